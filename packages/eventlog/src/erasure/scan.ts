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

/**
 * The receipt of an erasure: looks for texts in every row of every table of a database, and in every file of some folders.
 * What the engine compressed (values of 2 KB and more) is found in its table and may be missed in its file.
 */
export async function scan({ database, texts, folders = [] }: ScanOptions): Promise<ScanReceipt> {
  for (const text of texts) if (text.length < 4) throw new RangeError('a text to look for has 4 characters or more')
  const receipt: ScanReceipt = { tables: 0, files: 0, bytes: 0, found: [] }
  const { rows: tables } = await database.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema') order by 1`
  )
  for (const { name } of tables) {
    receipt.tables++
    for (const [text, value] of texts.entries()) {
      const { rows } = await database.query(
        `select from ${name} t where exists (select from unnest($1::text[]) f where strpos(t::text, f) > 0) limit 1`,
        [formsOf(value)]
      )
      if (rows.length > 0) receipt.found.push({ where: `table ${name}`, text })
    }
  }
  for (const folder of folders) await scanFolder(folder, texts, receipt)
  return receipt
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
  const overlap = Math.max(0, ...wanted.flat().map(({ length }) => length - 1))
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue
    receipt.files++
    const path = join(entry.parentPath, entry.name)
    const found = new Set<number>()
    await using file = await open(path)
    let kept = Buffer.alloc(0)
    for await (const chunk of file.createReadStream({ highWaterMark: 1 << 20, autoClose: false })) {
      receipt.bytes += (chunk as Buffer).length
      const bytes = Buffer.concat([kept, chunk as Buffer])
      for (const [text, forms] of wanted.entries()) if (forms.some(form => bytes.includes(form))) found.add(text)
      kept = bytes.subarray(Math.max(0, bytes.length - overlap))
    }
    for (const text of found) receipt.found.push({ where: `file ${path}`, text })
  }
}
