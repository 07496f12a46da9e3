const undos: (() => Promise<unknown>)[] = []
const signals = ['SIGINT', 'SIGTERM'] as const

/**
 * Has `undo` done when the program is told to stop before its end: processes, mounts and folders would outlive it. The last
 * one given is undone first, and the program then ends with 130.
 * @returns what takes it back, for whoever has undone it by himself
 */
export function undoWhenInterrupted(undo: () => Promise<unknown>): () => void {
  if (undos.length === 0) for (const signal of signals) process.once(signal, interrupted)
  undos.push(undo)
  return () => {
    const index = undos.indexOf(undo)
    if (index >= 0) undos.splice(index, 1)
    if (undos.length === 0) for (const signal of signals) process.off(signal, interrupted)
  }
}

async function interrupted(signal: NodeJS.Signals): Promise<void> {
  process.stderr.write(`stopped by ${signal}: putting things back\n`)
  for (let undo = undos.pop(); undo; undo = undos.pop())
    await undo().catch(error => process.stderr.write(`  ${(error as Error).message}\n`))
  process.exit(130)
}
