import { posix } from 'node:path'

/** A sentence for each relative link in a Markdown text that leads nowhere. `exists` is asked with a path from the repository root. */
export function brokenLinks(path: string, text: string, exists: (path: string) => boolean): string[] {
  const prose = text.replace(/^(```|~~~)[\s\S]*?^\1/gm, '').replace(/`[^`\n]*`/g, '')
  const targets = [
    ...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+["'(][^)]*)?\)/g),
    ...prose.matchAll(/^\s{0,3}\[[^\]]+\]:\s*<?([^\s>]+)/gm),
    ...prose.matchAll(/<(?:img|a|source)\s[^>]*?(?:src|href|srcset)="([^"]+)"/g)
  ].map(match => match[1]!)
  return targets.flatMap(target => {
    if (/^(?:[a-z][a-z0-9+.-]*:|\/\/|#)/i.test(target)) return []
    const file = decodeURI(target.replace(/[?#].*$/, ''))
    const wanted = file.startsWith('/') ? file.slice(1) : posix.join(posix.dirname(path), file)
    const found = exists(wanted.replace(/\/$/, ''))
    return found ? [] : [`${path}: the link to '${target}' leads nowhere`]
  })
}

// Put together from halves, so that this file does not find itself.
const forbidden: [needle: RegExp, what: string][] = [
  [
    new RegExp(
      ['registry\\.' + 'npmjs', 'registry\\.' + 'yarnpkg', 'pypi\\.' + 'org', 'proxy\\.' + 'golang'].join('|')
    ),
    "names a package registry's host; whoever installs chooses theirs"
  ],
  // Also as a formatter leaves it, which takes it for a quotation.
  [/^(?:<{7}|>{7}|(?:> ){6}>)(?: |$)|^\| <{7} HEAD/, 'is what a merge left behind'],
  [new RegExp('(?<![\\w.~-])/' + 'work/'), 'names a folder of one machine']
]

/** A sentence for each line that holds something which is true on one machine only. */
export function machineTraces(path: string, text: string): string[] {
  return text
    .split('\n')
    .flatMap((line, index) =>
      forbidden.flatMap(([needle, what]) => (needle.test(line) ? [`${path}:${index + 1}: ${what}`] : []))
    )
}
