/** How SQLite goes about each statement: none may walk through all requests, events or ids, however many there are. */
import { afterAll, describe, expect, test } from 'vitest'
import * as deliveryStatements from '../../src/outbox/sqlite/delivery-statements.ts'
import { createOutbox } from '../../src/outbox/sqlite/outbox.ts'
import * as statements from '../../src/outbox/sqlite/statements.ts'
import { deliverAll, NOW, pruning, samples, take } from '../support/outbox-bench.ts'
import { openFile } from '../support/outbox-node.ts'

/** Of a statement, or of a group of them. */
type Group = string | readonly string[] | { readonly [name: string]: Group }

function flatten(group: Group, name: string): (readonly [string, string])[] {
  if (typeof group === 'string') return [[name, group]]
  return Object.entries(group).flatMap(([part, one]) => flatten(one, name === '' ? part : `${name}.${part}`))
}

const all = [...flatten(statements, ''), ...flatten(deliveryStatements, '')]
/** In order of the index, and only as far as `LIMIT` goes. */
const limited = [
  'SCAN events USING INDEX due',
  'SCAN events USING COVERING INDEX due',
  'SCAN notices',
  'SCAN further',
  'SCAN further USING INDEX further_due',
  'SCAN further USING COVERING INDEX further_due',
  /^SCAN (json_each|asked|tried) VIRTUAL TABLE/,
]
/** Of which `LIMIT` has let through only so many. */
const bounded = ['SCAN (subquery-1)']
/** As many rows as there are kinds of events, or destinations. */
const small = ['SCAN k USING COVERING INDEX sqlite_autoindex_kinds_1', 'SCAN c', 'SCAN destinations']

describe('query plans', () => {
  const file = openFile()
  const outbox = createOutbox(file.sql, pruning)
  take(outbox, samples(300), [{ id: 'dead', verdict: 'rejected' }], [{ id: 'odd', verdict: 'skipped' }])
  deliverAll(outbox, NOW)
  take(outbox, samples(300, 301))
  const plans = all.map(([name, query]) => ({ name, query, details: explain(query) }))
  afterAll(() => file.close())

  function explain(query: string): string[] {
    return file.sql.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${query}`).map(({ detail }) => detail)
  }

  test.each(plans)('[OB23] $name reads what it is asked for, by an index', ({ query, details }) => {
    const scans = details.filter(detail => detail.startsWith('SCAN'))
    const allowed = [...limited, ...bounded, ...small]
    const isAllowed = (detail: string) =>
      allowed.some(fits => (typeof fits === 'string' ? fits === detail : fits.test(detail)))
    expect(
      scans.filter(detail => !isAllowed(detail)),
      query,
    ).toEqual([])
    if (scans.some(detail => /^SCAN (events|further|notices)/.test(detail))) {
      expect(query).toMatch(/LIMIT/)
    }
    expect(
      details.filter(detail => detail.includes('TEMP B-TREE')),
      query,
    ).toEqual([])
  })

  test.each([
    ['pending', 'due'],
    ['rejected', 'aside'],
    ['refused', 'aside'],
    ['skipped', 'aside'],
  ] as const)('[OB23] the %s events are listed from the index %s', (state, index) => {
    const plan = plans.find(({ name }) => name === `eventsBefore.${state}`)
    expect(plan?.details[0]).toContain(`USING INDEX ${index} (`)
  })

  test.each(['events', 'further'] as const)('[OB23] what is settled in %s is found by its key', table => {
    const { settle, kindsAmong } = deliveryStatements.deliveriesIn[table]
    const outcome = ['accepted', null, NOW, null, 0, null, null, 0]
    // With its values, which SQLite looks at before it chooses an index.
    const plans = [
      file.sql.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${settle}`, ...outcome, '[[1,0]]', 1, 'pending'),
      file.sql.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${kindsAmong}`, '[[1,0]]', 1, 'pending'),
    ]
    for (const plan of plans)
      expect(plan.map(({ detail }) => detail).join()).toMatch(
        /USING PRIMARY KEY \(request=\? AND position=\?/,
      )
  })

  test('[OB23] dead letters of one reason are listed from the index dead', () => {
    const plan = plans.find(({ name }) => name === 'deadLettersBefore')
    expect(plan?.details[0]).toContain('USING INDEX dead (')
  })
})
