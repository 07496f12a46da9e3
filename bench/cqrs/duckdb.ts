import { DuckDBInstance } from '@duckdb/node-api'
import { type Answer, questionOf, sumOf, type Timed, timed } from './question.ts'

/** The same rows in DuckDB, in memory, with nothing else going on. */
export async function askDuckDb(
  file: string,
  now: Date,
  times: number
): Promise<{ version: string; asked: Timed; loadMs: number; answer: Answer }> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    const startedAt = performance.now()
    await connection.run(`set timezone = 'UTC'; create table sessions as select * from read_csv('${file}', delim = '\\t', header = false,
      columns = {project: 'VARCHAR', user_id: 'VARCHAR', started_at: 'TIMESTAMPTZ', last_at: 'TIMESTAMPTZ', tier: 'VARCHAR', region: 'VARCHAR'})`)
    const loadMs = Math.round(performance.now() - startedAt)
    const ask = async () => (await connection.runAndReadAll(questionOf('sessions', now))).getRowObjects()
    const answer = sumOf((await ask()) as { sessions: unknown; active: unknown }[])
    const [version] = (await connection.runAndReadAll('select version() as v')).getRowObjects()
    return { version: String(version!.v), asked: await timed(times, ask), loadMs, answer }
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
