import { createHash } from 'node:crypto'
import { html } from './escape.ts'
import type { Incident } from './incident.ts'
import { glossaryHtml, sectionsHtml } from './sections-html.ts'
import { reportStyle } from './style.ts'
import { moment } from './when.ts'

const styleHash = createHash('sha256').update(reportStyle).digest('base64')

/**
 * The incident as one HTML file that needs nothing else: no script, no font, no address. Its policy allows only its own
 * style, so that nothing that was recorded could do anything even if it became markup. At most some 200 kB.
 */
export function reportHtml(incident: Incident): string {
  const title = titleOf(incident)
  const sections = sectionsHtml(incident)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="referrer" content="no-referrer"><title>${html(title)}</title>
<style>${reportStyle}</style></head><body><main>
<h1>${html(title)}</h1>
${sections}
${glossaryHtml(sections)}
</main></body></html>
`
}

/** What a report is called: its first cause, and when. */
export function titleOf({ diagnosis }: Incident): string {
  const [first] = diagnosis.causes
  const what = first ? first.title : diagnosis.state === 'healthy' ? 'Nothing is wrong' : 'No cause is known'
  return `${what.replaceAll('`', '')} (${moment(first?.since ?? diagnosis.at)})`
}
