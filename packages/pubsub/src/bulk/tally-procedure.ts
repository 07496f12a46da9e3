import { PoisonMessageError, WorldFaultError } from '../errors.ts'
import { bulkProcedure } from './procedure.ts'

/** A subscriber for tests: keeps what it was given, and fails as the table `moods` says. */
export default bulkProcedure({
  async handle(tx, entries) {
    const { rows } = await tx.query<{ type: string; mood: string }>('select type, mood from tally.moods')
    const moods = new Map(rows.map(({ type, mood }) => [type, mood]))
    await tx.query('insert into tally.seen (id, stream) select * from unnest($1::uuid[], $2::uuid[])', [
      entries.map(({ id }) => id),
      entries.map(({ stream }) => stream)
    ])
    for (const { type } of entries) {
      const mood = moods.get(type)
      if (mood === 'poison') throw new PoisonMessageError(`no retry helps ${type}`)
      if (mood === 'fails') throw new Error(`${type} is not liked`)
      if (mood === 'world') throw new WorldFaultError('something else is away')
    }
  }
})
