import { faults } from './causes/faults.ts'
import { playTurns } from './causes/run.ts'

const names = process.argv.slice(2)
const turns = names.map(n => {
  const p = n.split('+')
  const fs = p.map(x => (faults as any)[x])
  return { name: n, stage: fs[0].stage, faults: fs as any, isLast: fs.some((f: any) => f.isLast) }
})
const v = await playTurns(turns, l => console.log(new Date().toISOString().slice(14, 19), l))
console.log(JSON.stringify(v.figures, null, 1))
console.log(v.aims.map(a => `${a.ok ? 'met' : 'MISSED'} ${a.name} ${a.value}`).join('\n'))
process.exit(0)
