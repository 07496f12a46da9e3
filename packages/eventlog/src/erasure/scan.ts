import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Queryable } from '@plimsoll/database'

export interface ScanOptions {
  database: Queryable
  /** What must be nowhere: each of 4 characters or more. */
  texts: readonly string[]
  /** Folders to look through, byte by byte: a data directory, spools, recordings, backups. */
  folders?: readonly string[]
}

export interface ScanReceipt {
  tables: number
  files: number
  bytes: number
  /** Where a text stands, which one by its index in `texts`: the receipt itself has no personal data in it. */
  found: { where: string; text: number }[]
}

/** Pages of a table, of 8 KB each, that one statement looks through: an embedded engine does nothing else meanwhile. */
const mostPages = 250
/** Of each page and each form of a text: what a statement costs. */
const mostLooks = 5_000

/**
 * The receipt of an erasure: looks for texts in every row of every table of a database, and in every file of some folders.
 * A large table is looked through piece by piece; what is written meanwhile may be missed.
 * What the engine compressed (values of 2 KB and more) is found in its table and may be missed in its file.
 */
export async function scan({ database, texts, folders = [] }: ScanOptions): Promise<ScanReceipt> {
  for (const text of texts) if (text.length < 4) throw new RangeError('a text to look for has 4 characters or more')
  const receipt: ScanReceipt = { tables: 0, files: 0, bytes: 0, found: [] }
  const { rows: tables } = await database.query<{ name: string; pages: number }>(
    `select format('%I.%I', t.schemaname, t.tablename) as name,
       pg_relation_size(format('%I.%I', t.schemaname, t.tablename)::regclass) / 8192 as pages
     from pg_tables t where t.schemaname not in ('pg_catalog', 'information_schema') order by 1`
  )
  for (const { name, pages } of tables) {
    receipt.tables++
    if (texts.length === 0) continue
    for (const text of await scanTable(database, name, pages, texts)) {
      receipt.found.push({ where: `table ${name}`, text })
    }
  }
  for (const folder of folders) await scanFolder(folder, texts, receipt)
  return receipt
}

/** Which of the texts stand in it, in order. */
async function scanTable(
  database: Queryable,
  name: string,
  pages: number,
  texts: readonly string[]
): Promise<number[]> {
  const forms = texts.flatMap((text, i) => formsOf(text).map(form => ({ form, i })))
  const pagesAtOnce = Math.min(mostPages, Math.max(1, Math.floor(mostLooks / forms.length)))
  const found = new Set<number>()
  for (let first = 0; first < pages; first += pagesAtOnce) {
    const { rows } = await database.query<{ i: number }>(
      `with looked as materialized (
         select t::text as row from ${name} t where t.ctid >= $3::tid and t.ctid < $4::tid
       )
       select distinct f.i from looked l join unnest($1::text[], $2::int[]) f(form, i) on strpos(l.row, f.form) > 0`,
      [forms.map(({ form }) => form), forms.map(({ i }) => i), `(${first},0)`, `(${first + pagesAtOnce},0)`]
    )
    for (const { i } of rows) found.add(i)
  }
  return [...found].sort((a, b) => a - b)
}

/** As it stands in a row's text: bare, quoted in JSON, and as the bytes of a bytea. */
function formsOf(text: string): string[] {
  const quoted = JSON.stringify(text).slice(1, -1)
  const inRow = [text, quoted].flatMap(form => [form, form.replaceAll('\\', '\\\\').replaceAll('"', '""')])
  return [...new Set([...inRow, Buffer.from(text).toString('hex')])]
}

async function scanFolder(folder: string, texts: readonly string[], receipt: ScanReceipt): Promise<void> {
  const wanted = texts.map(text =>
    [...new Set([text, JSON.stringify(text).slice(1, -1)])].map(form => Buffer.from(form))
  )
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const found = await scanFile(path, wanted, receipt)
    if (!found) continue
    receipt.files++
    for (const text of found) receipt.found.push({ where: `file ${path}`, text })
  }
}

/** Which of the texts stand in it; undefined when it is there no more: a store in use takes files away. */
async function scanFile(
  path: string,
  wanted: readonly (readonly Buffer[])[],
  receipt: ScanReceipt
): Promise<Set<number> | undefined> {
  const overlap = Math.max(0, ...wanted.flat().map(({ length }) => length - 1))
  const found = new Set<number>()
  try {
    await using file = await open(path)
    let kept = Buffer.alloc(0)
    for await (const chunk of file.createReadStream({ highWaterMark: 1 << 20, autoClose: false })) {
      receipt.bytes += (chunk as Buffer).length
      const bytes = Buffer.concat([kept, chunk as Buffer])
      for (const [text, forms] of wanted.entries()) if (forms.some(form => bytes.includes(form))) found.add(text)
      kept = bytes.subarray(Math.max(0, bytes.length - overlap))
    }
    return found
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
