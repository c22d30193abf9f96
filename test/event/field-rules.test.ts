// @module-tag property
/** Fields that are taken away, kept or hashed, wherever they stand. */
import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { noRules } from '../../src/config/destination-config.ts'
import { isObject } from '../../src/event/event.ts'
import { parseExactly } from '../../src/event/exact-numbers.ts'
import { createFieldRules } from '../../src/event/field-rules.ts'
import { runs } from '../support/runs.ts'

const hash = (text: string) => createHmac('sha256', 'key').update(text).digest('hex')

type Data = Readonly<Record<string, unknown>>

function apply(rules: Partial<typeof noRules>, data: Data): unknown {
  const edit = createFieldRules({ ...noRules, ...rules }, hash)
  return JSON.parse(JSON.stringify(edit ? edit(data) : data))
}

const phone = '+15550100001'
const inText = (value: unknown) => JSON.stringify(value)

describe('rules for fields', () => {
  it('[RO20] deny, allow and hash', () => {
    const data = { to: phone, from: '+15550100002', body: 'Ahoy!', errorCode: 30007 }
    expect(apply({ deny: ['body', 'nothing'] }, data)).toEqual({
      to: phone,
      from: data.from,
      errorCode: 30007,
    })
    expect(apply({ allow: ['to'] }, data)).toEqual({ to: phone })
    expect(apply({ allow: [] }, data)).toEqual({})
    expect(apply({ hash: ['to'] }, data)).toEqual({ ...data, to: hash(phone) })
    const all = { deny: ['to', 'body'], allow: ['to', 'from', 'body'], hash: ['to', 'from', 'errorCode'] }
    expect(apply(all, data)).toEqual({ from: hash(data.from) })
  })

  it.each<[string, string, Data, Data]>([
    ['an object', 'a.phone', { a: { phone, b: 1 } }, { a: { b: 1 } }],
    [
      'each item',
      'a.phone',
      { a: [{ phone, b: 1 }, { c: [phone] }, 5] },
      { a: [{ b: 1 }, { c: [phone] }, 5] },
    ],
    ['lists of lists', 'a.phone', { a: [[{ phone }], [[{ phone, b: 1 }]]] }, { a: [[{}], [[{ b: 1 }]]] }],
    ['an item by its place', 'a.0.phone', { a: [{ phone }, { phone }] }, { a: [{}, {}] }],
    ['the last item', 'a.last.phone', { a: [{ phone }, { phone }] }, { a: [{}, {}] }],
    [
      'every value',
      'a.*.phone',
      { a: { x: { phone, b: 1 }, y: [{ phone }] } },
      { a: { x: { b: 1 }, y: [{}] } },
    ],
    ['the items of a list', 'a.0', { a: [phone, { phone }] }, { a: [] }],
    ['what is no list', 'a.0', { a: phone, b: 1 }, { b: 1 }],
    ['all values', 'a.*', { a: { x: phone, y: { phone } } }, { a: {} }],
    ['a number as a key', 'a.0.phone', { a: { 0: { phone } } }, { a: { 0: {} } }],
    ['JSON in a text', 'a.phone', { a: inText({ phone, b: 1 }) }, { a: inText({ b: 1 }) }],
    [
      'JSON in a text in JSON in a text',
      'a.b.phone',
      { a: inText([{ b: inText({ phone }) }]) },
      { a: inText([{ b: inText({}) }]) },
    ],
    ['JSON that was written twice', 'a.phone', { a: inText(inText({ phone })) }, { a: inText(inText({})) }],
    ['keys with dots', 'a.b.phone', { 'a.b': { phone }, a: { 'b.phone': phone } }, { 'a.b': {}, a: {} }],
    ['a key that a name begins with', 'a', { a: 1, ab: 2, 'a.b': 3 }, { ab: 2, 'a.b': 3 }],
    ['nothing there', 'a.phone', { a: 'phone', b: null }, { a: 'phone', b: null }],
  ])('[RO21] deny leads through %s', (_, path, data, left) => {
    expect(apply({ deny: [path] }, data)).toEqual(left)
  })

  it('[RO21] allow and hash lead there, too', () => {
    const data = { a: inText([{ phone, b: 1 }, { b: 2 }]), c: { d: [{ phone }] }, e: 'x' }
    expect(apply({ allow: ['a.phone', 'c.d.phone'] }, data)).toEqual({
      a: inText([{ phone }]),
      c: { d: [{ phone }] },
    })
    expect(apply({ hash: ['a.phone', 'c.d'] }, data)).toEqual({
      ...data,
      a: inText([{ phone: hash(phone), b: 1 }, { b: 2 }]),
      c: { d: [hash(inText({ phone }))] },
    })
    expect(apply({ allow: ['e.f', 'c.x'] }, data)).toEqual({})
  })

  it('[RO21] a rule for all of a field takes a number, too, however it was written', () => {
    const data = parseExactly('{"x":15550123456000001,"y":1.50,"z":1}')
    expect(JSON.stringify(apply({ deny: ['x.*', 'y.*'] }, isObject(data) ? data : {}))).toBe('{"z":1}')
  })

  it('[RO21] a key that stands twice in a text does not outlive a rule', () => {
    const a = `{"b":{"phone":"${phone}"},"b":{"c":1}}`
    expect(apply({ deny: ['a.b.phone'] }, { a })).toEqual({ a: '{"b":{"c":1}}' })
    expect(apply({ hash: ['a.b.phone'] }, { a })).toEqual({ a: '{"b":{"c":1}}' })
  })

  it.each([`{"phone":"${phone}"`, `\uFEFF{"phone":"${phone}"}`, ` [${phone}`])(
    '[RO22] broken JSON goes as a whole: %s',
    a => {
      expect(apply({ deny: ['a.phone'] }, { a, b: 1 })).toEqual({ b: 1 })
      expect(apply({ allow: ['a.x', 'b'] }, { a, b: 1 })).toEqual({ b: 1 })
      expect(apply({ hash: ['a.phone'] }, { a, b: 1 })).toEqual({ a: hash(a), b: 1 })
    },
  )

  it('[RO22] a text that is no JSON is left alone', () => {
    const data = { a: 'Call +1…', b: '"Hello" she said' }
    expect(apply({ deny: ['a.x', 'b.x'] }, data)).toEqual(data)
  })

  it('[RO23] hashes digits, whatever they are written as, and leaves what is empty', () => {
    const data = { a: 15550100001, b: '15550100001', c: true, d: null, e: '', f: ['', null, 5] }
    expect(apply({ hash: ['a', 'b', 'c', 'd', 'e', 'f'] }, data)).toEqual({
      ...{ a: hash('15550100001'), b: hash('15550100001'), c: hash('true') },
      ...{ d: null, e: '', f: ['', null, hash('5')] },
    })
  })

  it('[RO23] is the HMAC that others compute', () => {
    const edit = createFieldRules({ ...noRules, hash: ['to'] }, hash)
    // printf +15550100001 | openssl dgst -sha256 -hmac key
    expect(edit?.({ to: phone })).toEqual({
      to: '04cb908e1c7b322085daa1ad8bccd54aae44d3ffe160c74c0aa9044497bb69f1',
    })
  })

  it('[RO24] leaves numbers as they were written, in texts as well', () => {
    const a = '{"n":1.10,"big":12345678901234567890,"phone":"x"}'
    const text = `{"price":1.10,"a":${inText(a)},"b":{"n":1e400,"x":1},"big":12345678901234567890}`
    const data = parseExactly(text)
    const edit = createFieldRules({ ...noRules, deny: ['a.phone', 'b.x', 'price.y'], hash: ['big'] }, hash)
    const before = JSON.stringify(data)
    expect(JSON.stringify(edit?.(Object(data)))).toBe(
      `{"price":1.10,"a":${inText('{"n":1.10,"big":12345678901234567890}')},"b":{"n":1e400},"big":"${hash('12345678901234567890')}"}`,
    )
    expect(JSON.stringify(data)).toBe(before)
  })

  it('[RO24] keeps a key that is a name of JavaScript', () => {
    const data: Data = JSON.parse('{"__proto__":{"x":1},"constructor":2,"a":3}')
    const edit = createFieldRules({ ...noRules, deny: ['a'] }, hash)
    expect(JSON.stringify(edit?.(data))).toBe('{"__proto__":{"x":1},"constructor":2}')
  })

  it('[RO24] without rules there is nothing to do', () => {
    expect(createFieldRules(noRules, hash)).toBeUndefined()
  })
})

describe('a secret at the end of a path', () => {
  const SECRET = 'the-secret'
  type Step = { readonly in: 'object' | 'list' | 'text' | 'twice'; readonly key: string }
  const plain = ['a', 'b', 'a.b', '__proto__']
  const step = fc.oneof(
    fc.record({
      in: fc.constantFrom<Step['in'][]>('object', 'text'),
      // In a list they would be items.
      key: fc.constantFrom(...plain, '0', 'last'),
    }),
    fc.record({ in: fc.constantFrom<Step['in'][]>('list', 'twice'), key: fc.constantFrom(...plain) }),
  )

  function build(steps: readonly Step[], value: unknown): unknown {
    return steps.reduceRight((inner, { in: kind, key }) => {
      const object = { other: 1, [key]: inner }
      if (kind === 'list') return [null, object, 'x']
      if (kind === 'text') return inText(object)
      return kind === 'twice' ? inText(inText([object])) : object
    }, value)
  }

  it('[RO20] [RO21] is gone, hashed, or the only thing left', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 5 }), steps => {
        const data = { all: build(steps, SECRET) }
        const path = ['all', ...steps.map(({ key }) => key)].join('.')
        expect(inText(apply({ deny: [path] }, data))).not.toContain(SECRET)
        expect(inText(apply({ allow: ['all.other', 'b'] }, data))).not.toContain(SECRET)
        const hashed = inText(apply({ hash: [path] }, data))
        expect(hashed).not.toContain(SECRET)
        // A step for a place in a list may be a key, and then both are meant.
        if (steps.every(({ key }) => plain.includes(key))) expect(hashed).toContain(hash(SECRET))
        const left = inText(apply({ allow: [path] }, data))
        expect(left).toContain(SECRET)
        if (steps.every(({ key }) => plain.includes(key))) expect(left).not.toContain('other')
      }),
      { numRuns: runs(2_000) },
    )
  })
})
