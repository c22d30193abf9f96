/** What the kernel says of a process: its memory, and the processor time it has used. Linux only. */
import { readdirSync, readFileSync } from 'node:fs'

const TICKS_A_SECOND = 100

export function residentMiB(pid: number): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024)
}

export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND
}

export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

export function watchMemory(pid: number): { readonly peakMiB: number } & Disposable {
  let peakMiB = residentMiB(pid)
  const timer = setInterval(() => {
    try {
      peakMiB = Math.max(peakMiB, residentMiB(pid))
    } catch {
      // It has ended, which is not this one's to judge.
    }
  }, 100)
  return {
    get peakMiB() {
      return peakMiB
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
