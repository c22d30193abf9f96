/** What the kernel knows of a process, all its threads together. Linux only, like the pinning to cores. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** USER_HZ, which Linux holds at 100 for every program whatever the kernel's own tick. */
const TICK_MICROS = 10_000
const MEGABYTE = 1_024 * 1_024

/** User and system time since its start, of ended threads too. */
export function cpuMicros(pid: number): number {
  return ticksIn(`/proc/${pid}/stat`) * TICK_MICROS
}

export type ThreadTime = { readonly name: string; readonly micros: number }

/** The threads that live now, by their main one first. */
export function threadTimes(pid: number): ThreadTime[] {
  return readdirSync(`/proc/${pid}/task`).map(task => ({
    name: readFileSync(`/proc/${pid}/task/${task}/comm`, 'utf8').trim(),
    micros: ticksIn(`/proc/${pid}/task/${task}/stat`) * TICK_MICROS,
  }))
}

/** Counted from behind the name, which may hold blanks and brackets: fields 14 and 15 of proc(5). */
function ticksIn(file: string): number {
  const fields = readFileSync(file, 'utf8').split(') ').at(-1)?.split(' ') ?? []
  return Number(fields[11]) + Number(fields[12])
}

/** The most resident memory since the start or the last reset, in megabytes of 2^20. */
export function peakMegabytes(pid: number): number {
  return inStatus(pid, 'VmHWM')
}

export function residentMegabytes(pid: number): number {
  return inStatus(pid, 'VmRSS')
}

function inStatus(pid: number, name: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1_024) / MEGABYTE
}

export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
