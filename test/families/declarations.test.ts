/** What every family must say of itself. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { families } from '../../src/families/index.ts'
import { PROPERTIES } from '../../src/stats/quality-sample.ts'
import { mappingPage, withTypesTable } from '../support/schemas.ts'

const sent = families.filter(({ skip }) => skip === undefined)
const eventTypes = sent.flatMap(family => family.eventTypes)

test('[FM1] two types share a name only as two spellings of one thing, of which one is subscribed to', () => {
  const byName = new Map<string, typeof eventTypes>()
  for (const one of eventTypes) byName.set(one.name, [...(byName.get(one.name) ?? []), one])
  for (const [name, types] of byName) {
    expect(types.length, name).toBeLessThanOrEqual(2)
    expect(types.filter(({ subscribe }) => subscribe === 'default').length, name).toBeLessThanOrEqual(1)
    expect(new Set(types.map(({ family }) => family.group)).size, name).toBe(1)
  }
})

test.each(eventTypes.map(one => [one.type, one] as const))(
  '[FM1] %s has a name in title case, and a resource',
  (type, one) => {
    expect(type).toMatch(/^(com\.twilio|twilio-proxy)\.[\w-]+(\.[\w-]+)+$/)
    expect(one.name).toMatch(/^[A-Z]\S*( \S+)+$/)
    expect(one.resource.length).toBeGreaterThan(0)
    expect(one.resource.filter(path => /account_?sid/i.test(path))).toEqual([])
  },
)

test('[FM1] the list has every type of the catalogue, at least so many', () => {
  expect(eventTypes.length).toBeGreaterThanOrEqual(188)
  expect(new Set(eventTypes.map(({ type }) => type)).size).toBe(eventTypes.length)
})

describe.each(sent.map(family => [family.schema, family] as const))('%s', (_, family) => {
  test('[FM1] its personal fields are fields of its group', () => {
    const known = new Set(
      sent.filter(({ group }) => group === family.group).flatMap(({ newest }) => Object.keys(newest.shape)),
    )
    for (const path of Object.values(family.personal).flat()) expect(known).toContain(path.split('.')[0])
  })

  test('has no more properties than a figure of data quality can hold', () => {
    for (const { shape } of family.versions.values())
      expect(Object.keys(shape).length).toBeLessThanOrEqual(PROPERTIES)
  })
})

test('[FM2] docs/mapping.md has the table of today (npm run schemas)', () => {
  const page = readFileSync(mappingPage, 'utf8')
  expect(withTypesTable(page)).toBe(page)
})
