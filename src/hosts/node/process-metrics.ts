/** `process_*`, by the names that every dashboard knows. Read at each scrape: nothing runs between two of them. */
import { readdirSync, readFileSync } from 'node:fs'
import { Counter, Gauge, Registry } from 'prom-client'
import type { MetricsJson } from '../../stats/metrics.ts'

const MICROSECONDS = 1_000_000

export function createProcessMeters(): { json(): Promise<MetricsJson> } {
  const registry = new Registry()
  const registers = [registry]
  const counter = (name: string, help: string) => new Counter({ name, help, registers })
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers })
  const user = counter('process_cpu_user_seconds_total', 'Processor time in the program itself')
  const system = counter('process_cpu_system_seconds_total', 'Processor time in the kernel')
  const cpu = counter('process_cpu_seconds_total', 'Processor time, both')
  const memory = gauge('process_resident_memory_bytes', 'Memory that is in use')
  const started = gauge('process_start_time_seconds', 'When the process began, in seconds since 1970')
  const open = gauge('process_open_fds', 'Open files and connections')
  const most = gauge('process_max_fds', 'Files and connections that may be open')
  started.set(Math.round(Date.now() / 1_000 - process.uptime()))

  return {
    json() {
      const used = process.cpuUsage()
      for (const one of [user, system, cpu]) one.reset()
      user.inc(used.user / MICROSECONDS)
      system.inc(used.system / MICROSECONDS)
      cpu.inc((used.user + used.system) / MICROSECONDS)
      memory.set(process.memoryUsage.rss())
      const files = countFiles()
      if (files) {
        open.set(files.open)
        most.set(files.most)
      } else for (const one of [open, most]) one.remove()
      return registry.getMetricsAsJSON()
    },
  }
}

/** Linux alone says; `undefined` elsewhere. */
function countFiles(): { readonly open: number; readonly most: number } | undefined {
  try {
    const [, most = ''] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    // One of them is the folder that is being read.
    return { open: readdirSync('/proc/self/fd').length - 1, most: Number(most) }
  } catch {
    return undefined
  }
}
