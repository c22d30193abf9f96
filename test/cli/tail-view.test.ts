/** What the keys of `tail` do to its screen. */
import { describe, expect, it } from 'vitest'
import type { Row } from '../../src/cli/tail/feed.ts'
import { createView, toLine, type View } from '../../src/cli/tail/view.ts'

const row = (n: number, change: Partial<Row> = {}): Row => ({
  key: `${n}-0`,
  state: 'accepted',
  reason: null,
  type: 'com.twilio.messaging.message.delivered',
  id: `EZ${n}`,
  customer: '+15550100199',
  receivedAt: '2026-11-29T08:00:00.000Z',
  ...change,
})

function withRows(count: number): View {
  const view = createView('the bridge')
  view.update({ kind: 'events', events: Array.from({ length: count }, (_, n) => row(n + 1)) })
  return view
}

const selectedIn = (view: View, height = 7) =>
  /EZ\d+/.exec(view.render(height).find(({ look }) => look === 'selected')?.text ?? '')?.[0]
const shownIn = (view: View, height = 7) =>
  view.render(height).flatMap(({ text }) => /EZ\d+/.exec(text)?.[0] ?? [])
const newest = (view: View, n: number) => view.update({ kind: 'events', events: [row(n)] })

describe('[TA5] the list of tail', () => {
  it('shows the newest and follows them until somebody moves up; G follows again', () => {
    const view = withRows(20)
    expect(shownIn(view)).toEqual(['EZ16', 'EZ17', 'EZ18', 'EZ19', 'EZ20'])
    newest(view, 21)
    expect(selectedIn(view)).toBe('EZ21')
    view.press('k')
    newest(view, 22)
    expect(selectedIn(view)).toBe('EZ20')
    for (let n = 0; n < 10; n++) view.press('\x1b[A')
    expect(selectedIn(view)).toBe('EZ10')
    expect(shownIn(view)[0]).toBe('EZ10')
    view.press('G')
    expect(shownIn(view).at(-1)).toBe('EZ22')
  })

  it('stops at both ends, is as tall as the terminal, and empty without events', () => {
    const view = withRows(3)
    for (let n = 0; n < 5; n++) view.press('k')
    expect(selectedIn(view)).toBe('EZ1')
    for (let n = 0; n < 5; n++) view.press('j')
    expect(selectedIn(view)).toBe('EZ3')
    for (const height of [3, 7, 50]) expect(view.render(height)).toHaveLength(height)
    const empty = createView('the bridge')
    for (const key of ['j', 'k', 'd', 'r', 'G', '\x1b']) expect(empty.press(key)).toBeUndefined()
    expect(empty.render(7)).toHaveLength(7)
  })

  it('an event that changes stays where it is, and many make it forget the oldest', () => {
    const view = withRows(3)
    view.update({ kind: 'events', events: [row(1, { state: 'refused', reason: 'segment_refused' })] })
    expect(view.render(7)[1]).toMatchObject({ look: 'refused', text: expect.stringContaining('EZ1') })
    for (let n = 0; n < 3; n++) view.press('k')
    for (let n = 4; n < 2_000; n++) newest(view, n)
    expect(selectedIn(view)).toMatch(/EZ\d+/)
  })

  it('d and r name the selected event, q and Ctrl-C quit from anywhere', () => {
    const view = withRows(2)
    expect(view.press('d')).toEqual({ do: 'details', key: '2-0' })
    view.press('k')
    expect(view.press('r')).toEqual({ do: 'retry', key: '1-0' })
    view.showDetails(['one', 'two', 'three'])
    expect(view.render(7)[1]?.text).toBe('one')
    view.press('j')
    expect(view.render(7)[1]?.text).toBe('two')
    expect(view.press('q')).toEqual({ do: 'quit' })
    view.press('d')
    expect(view.render(7)[1]?.text).toContain('EZ1')
    expect(view.press('\x03')).toEqual({ do: 'quit' })
  })

  it('what is said stands below until the next key; the connection stands above', () => {
    const view = withRows(1)
    expect(view.render(7)[0]?.text).toBe('the bridge · connecting')
    view.update({ kind: 'live' })
    view.say('1-0 queued.')
    expect(view.render(7)[0]?.text).toBe('the bridge · live')
    expect(view.render(7).at(-1)?.text).toBe('1-0 queued.')
    view.press('j')
    expect(view.render(7).at(-1)?.text).toContain('q quit')
    view.update({ kind: 'lost', why: 'x' })
    expect(view.render(7)[0]?.text).toContain('connection lost')
  })

  it('a line breaks at no character of an event', () => {
    const line = toLine(row(1, { id: 'a\nb', customer: '\x1b[2J', type: 'x\ty' }))
    expect(line).toContain('a\\u000ab')
    expect(line).not.toMatch(/[\n\t]|\p{Cc}/u)
  })
})
