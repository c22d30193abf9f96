/**
 * Loaded into every thread of the bridge's process before its own code (NODE_OPTIONS=--import): lets it die at a named point
 * and turns its clock. So the sources need no hook for it.
 */
import { readFileSync, writeSync } from 'node:fs'
import { DatabaseSync, StatementSync } from 'node:sqlite'

/** Where the process kills itself with SIGKILL. */
export const points = {
  'put-committed': 'after the commit, before the answer',
  'sort-committed': 'after events were sorted',
  'settle-committed': 'after a batch was settled',
  'segment-answered': "after Segment's 2xx, before the settling",
  migrating: 'after a statement of a migration',
  pruning: 'after a statement of the pruning',
} as const
export type Point = keyof typeof points

export type Plan = {
  /** At the n-th time this point is reached, from 1. */
  readonly dieAt?: { readonly point: Point; readonly nth: number }
  /** A file that holds how many milliseconds the clock is off. */
  readonly clockFile?: string
}

const plan: Plan = JSON.parse(process.env.TORTURE_PLAN ?? '{}')
if (plan.dieAt) watch(plan.dieAt)
if (plan.clockFile) turnClock(plan.clockFile)

function watch({ point, nth }: NonNullable<Plan['dieAt']>): void {
  let left = nth
  const reached = (here: Point): void => {
    if (here !== point || --left > 0) return
    writeSync(2, `torture: dies ${points[point]}\n`)
    process.kill(process.pid, 'SIGKILL')
  }
  let wrote = new Set<Point>()
  const database = DatabaseSync.prototype
  const { exec } = database
  database.exec = function (script) {
    if (/CREATE (TABLE|INDEX) (requests|hours|due|further)\b/.test(script))
      return execSlowly(statement => exec.call(this, statement), script)
    exec.call(this, script)
    if (script === 'BEGIN IMMEDIATE') wrote = new Set()
    if (script === 'COMMIT') for (const here of wrote) reached(here)
  }
  const { all } = StatementSync.prototype
  StatementSync.prototype.all = function (...values: unknown[]) {
    const rows: ReturnType<typeof all> = Reflect.apply(all, this, values)
    const sql = this.sourceSQL.trimStart()
    if (sql.startsWith('INSERT INTO requests')) wrote.add('put-committed')
    if (sql.startsWith('INSERT INTO events')) wrote.add('sort-committed')
    if (sql.startsWith('UPDATE events SET state')) wrote.add('settle-committed')
    if (sql.startsWith('INSERT INTO migrations')) {
      reached('migrating')
      wrote.add('migrating')
    }
    if (/^DELETE FROM (requests|events|seen)/.test(sql)) reached('pruning')
    return rows
  }

  /** A migration is one script; a kill may come between any two statements of it. */
  function execSlowly(run: (statement: string) => void, script: string): void {
    for (const statement of script.split(';').filter(text => text.trim() !== '')) {
      run(statement)
      reached('migrating')
    }
  }

  const { fetch } = globalThis
  globalThis.fetch = async (...args) => {
    const response = await fetch(...args)
    if (response.ok && args[1]?.method?.toUpperCase() === 'POST') reached('segment-answered')
    return response
  }
}

function turnClock(file: string): void {
  const { now } = Date
  const LOOK_EVERY_MS = 20
  let lookedAt = Number.NEGATIVE_INFINITY
  let off = 0
  const turned = (): number => {
    if (performance.now() - lookedAt > LOOK_EVERY_MS) {
      lookedAt = performance.now()
      off = Number(readFileSync(file, 'utf8'))
    }
    return now() + off
  }
  globalThis.Date = new Proxy(Date, {
    construct: (target, args, self) => Reflect.construct(target, args.length > 0 ? args : [turned()], self),
    get: (target, name) => (name === 'now' ? turned : Reflect.get(target, name)),
  })
}
