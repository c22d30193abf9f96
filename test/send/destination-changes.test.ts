/** MessageIds and changes of the destinations file: what is kept, and what waits for a person. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SegmentConfig } from '../../src/config/destination-config.ts'
import { asDefault } from '../../src/event/mapping.ts'
import type { KeptDestination } from '../../src/outbox/deliveries.ts'
import { merge } from '../../src/outbox/sqlite/destinations.ts'
import { describeChanges, planRows, toApplied, toChangeHash } from '../../src/send/destination-changes.ts'
import { filesConfig, segmentConfig } from '../support/destination-configs.ts'
import { messageStatus } from '../support/twilio.ts'

const NOW = Date.UTC(2026, 10, 20)
type Configs = Parameters<typeof planRows>[0]

/** A start: what the store keeps afterwards, when nobody confirms anything, or somebody everything. */
function start(configs: Configs, known: readonly KeptDestination[], isConfirmed = false): KeptDestination[] {
  const rows = planRows(configs, known).map(({ id, name, scope, tag, keptTag, doubt }) => ({
    ...{ id, name, scope },
    tag: doubt === undefined || isConfirmed ? tag : keptTag,
  }))
  return merge(known, rows, NOW)
}

const tagsOf = (kept: readonly KeptDestination[]) =>
  Object.fromEntries(kept.map(({ name, tag }) => [name, tag]))
const doubtsOf = (configs: Configs, known: readonly KeptDestination[]) =>
  planRows(configs, known).flatMap(({ name, doubt }) => (doubt === undefined ? [] : name))

describe('messageIds', () => {
  it('[RO40] the first of a scope sends ids as they are, the others with their name; other scopes begin anew', () => {
    const other = { scope: 'cdp.customer.io' }
    const kept = start(
      [segmentConfig('a'), segmentConfig('b'), segmentConfig('c', other), filesConfig('f')],
      [],
    )
    expect(tagsOf(kept)).toEqual({ a: '', b: 'b', c: '', f: '' })
  })

  it('[RO40] one that says verbatim leaves none for those that say nothing', () => {
    const kept = start([segmentConfig('a'), segmentConfig('b', { messageId: 'verbatim' })], [])
    expect(tagsOf(kept)).toEqual({ a: 'a', b: '' })
  })

  it('[RO41] what was decided stays, whatever comes before it in the file, or leaves it', () => {
    const first = start([segmentConfig('a'), segmentConfig('b')], [])
    expect(tagsOf(start([segmentConfig('new'), segmentConfig('b'), segmentConfig('a')], first))).toEqual({
      ...{ a: '', b: 'b', new: 'new' },
    })
    const without = start([segmentConfig('b')], first)
    expect(tagsOf(start([segmentConfig('b'), segmentConfig('c')], without))).toEqual({
      a: '',
      b: 'b',
      c: 'c',
    })
  })

  it('[RO42] a renamed one keeps its id and its tag', () => {
    const first = start([segmentConfig('a'), segmentConfig('b')], [])
    const renamed = start([segmentConfig('x', { was: 'a' }), segmentConfig('y', { was: 'b' })], first)
    expect(renamed).toMatchObject([
      { id: 1, name: 'x', tag: '' },
      { id: 2, name: 'y', tag: 'b' },
    ])
    expect(start([segmentConfig('x', { was: 'a' }), segmentConfig('y', { was: 'b' })], renamed)).toEqual(
      renamed,
    )
  })

  it('[RO43] other ids than before wait for a person, and until then the old ones are kept', () => {
    const first = start([segmentConfig('a'), segmentConfig('b')], [])
    const changed = [segmentConfig('a', { messageId: 'tagged' }), segmentConfig('b')]
    expect(doubtsOf(changed, first)).toEqual(['a'])
    expect(tagsOf(start(changed, first))).toEqual({ a: '', b: 'b' })
    expect(tagsOf(start(changed, first, true))).toEqual({ a: 'a', b: 'b' })
    expect(doubtsOf(changed, start(changed, first, true))).toEqual([])
  })

  it('[RO43] so does a new one whose ids another one at the same receiver has, unless a group parts them', () => {
    const first = start([segmentConfig('a')], [])
    const same = (group?: string): SegmentConfig[] => [
      segmentConfig('a', { group }),
      segmentConfig('b', { messageId: 'verbatim', group }),
    ]
    expect(doubtsOf(same(), first)).toEqual(['b'])
    expect(doubtsOf(same('brand'), first)).toEqual([])
  })

  it('[RO44] whatever files follow one another: no destination ever sends a second id unconfirmed, no two unasked the same', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd')
    const one = fc.record({
      name,
      was: fc.option(name, { nil: undefined }),
      scope: fc.constantFrom('segment', 'rudder'),
      messageId: fc.constantFrom('verbatim' as const, 'tagged' as const, undefined),
    })
    const file = fc
      .uniqueArray(one, { selector: ({ name }) => name, minLength: 1, maxLength: 4 })
      // As the file is checked: `was` names one that is gone, and one successor.
      .map(all => {
        const names = new Set(all.map(({ name }) => name))
        const taken = new Set<string>()
        return all.map(({ was, ...config }) => {
          const free = was !== undefined && !names.has(was) && !taken.has(was)
          if (free) taken.add(was)
          return segmentConfig(config.name, { ...config, was: free ? was : undefined })
        })
      })
    fc.assert(
      fc.property(fc.array(file, { minLength: 1, maxLength: 6 }), files => {
        let kept: KeptDestination[] = []
        const tags = new Map<number, string>()
        for (const configs of files) {
          const before = kept
          kept = start(configs, kept)
          for (const { id, tag } of kept) {
            expect(tag).toBe(tags.get(id) ?? tag)
            tags.set(id, tag)
          }
          expect(new Set(kept.map(({ id }) => id)).size).toBe(kept.length)
          // Who says nothing never takes ids that another has.
          const present = kept.filter(({ removedAt }) => removedAt === undefined)
          for (const config of configs) {
            const own = present.find(({ name }) => name === config.name)
            if (own === undefined || before.some(({ id }) => id === own.id)) continue
            const others = kept.filter(({ id, scope }) => id !== own.id && scope === own.scope)
            if (config.messageId === undefined && own.tag === '')
              expect(others.filter(({ id, tag }) => tag === '' && before.some(one => one.id === id))).toEqual(
                [],
              )
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('changes of what flows', () => {
  const delivered = { element: messageStatus(), receivedAt: NOW }
  const { type } = delivered.element
  const say = (before: Configs, after: Configs) =>
    Object.fromEntries(describeChanges(toApplied(before), after, [delivered], asDefault))

  it('[RO45] what is dropped, renamed or filtered away is named, by the destination it concerns', () => {
    const plain = [segmentConfig('a'), segmentConfig('b')]
    const renamed = segmentConfig('b', { events: { '*': 'verbatim', [type]: 'Message Delivered' } })
    expect(say(plain, [segmentConfig('a'), renamed])).toEqual({
      b: expect.stringContaining(`${type} becomes Message Delivered`),
    })
    const gone = { a: expect.stringContaining(`${type} no longer goes there`) }
    expect(say(plain, [segmentConfig('a', { events: { '*': 'drop' } }), segmentConfig('b')])).toEqual(gone)
    expect(say(plain, [segmentConfig('a', { when: 'event = "x"' }), segmentConfig('b')])).toEqual(gone)
    const group = (one: string) => segmentConfig(one, { group: 'brand' })
    expect(say([group('b'), group('a')], [group('a'), group('b')])).toMatchObject({ b: expect.any(String) })
    expect(
      say(plain, [segmentConfig('c', { was: 'a', events: { '*': 'X' } }), segmentConfig('b')]),
    ).toMatchObject({
      c: expect.stringContaining(`${type} becomes X`),
    })
  })

  it('[RO45] what comes in addition, or concerns nothing that flowed, is no change', () => {
    const narrow = segmentConfig('a', { when: 'event = "x"' })
    expect(say([narrow], [segmentConfig('a'), segmentConfig('new')])).toEqual({})
    expect(say([segmentConfig('a')], [segmentConfig('a', { events: { other: 'drop' } })])).toEqual({})
  })

  it('[RO46] the same change has the same hash, and another one another', () => {
    const hash = (configs: Configs) => toChangeHash(toApplied(configs), planRows(configs, []))
    expect(hash([segmentConfig('a')])).toBe(hash([segmentConfig('a')]))
    expect(hash([segmentConfig('a')])).toMatch(/^[0-9a-f]{16}$/)
    expect(hash([segmentConfig('a')])).not.toBe(hash([segmentConfig('a', { events: { '*': 'X' } })]))
    expect(hash([segmentConfig('a')])).not.toBe(hash([segmentConfig('a', { messageId: 'tagged' })]))
  })
})
