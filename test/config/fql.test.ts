/** `when`: which texts are refused, what they are told to be instead, and that those taken mean what they say. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matches, mayMatch, readFilter } from '../../src/config/fql.ts'
import { runs } from '../support/runs.ts'

const delivered = 'com.twilio.messaging.message.delivered'
const call = {
  event: delivered,
  userId: 'u1',
  properties: { to: '+15550100001', errorCode: null, n: 5, flag: true, tags: { brand: 'a (or b) and "c' } },
  context: { app: { name: 'twilio-segment-bridge' } },
}

function filterOf(text: string) {
  const read = readFilter(text)
  if (!read.ok) throw new Error(`${text}: ${read.expected}`)
  return read.filter
}

describe('a filter', () => {
  it.each([
    ['event = "a" and event = "b" or event = "c"', /add brackets/i],
    ['event = "a" or properties.x = 1 and properties.y = 2', /add brackets/i],
    ['(event = "a" or event = "b" and event = "c") and userId = "u"', /add brackets/i],
    ['!(event = "a")', /instead of !\(a = "x"\) write a != "x"/],
    ['event = "a" and !(event = "b" or event = "c")', /write a != "x" and b != "y"/],
    ['event in ["a", "b"]', /write event = "a" or event = "b"/],
    ['event IN ["a"]', /write event = "a" or event = "b"/],
    ['event = ', /a condition such as/],
    ['', /a condition such as/],
    ['properties.x', /a condition such as/],
    ['event = "a" and', /read as.*: event = "a"$/],
    ['event = "a" AND userId = "b"', /lower case/],
    ['not event = "a"', /lower case/],
    ["event = 'a'", /double quotes/],
    ['event = "a\\"b"', /no backslash/],
    ['((event = "a" or event = "b") and userId = "u") or event = "c"', /one level of brackets/],
    ['(event = "a" and userId = "u")', /read as.*: event = "a" and userId = "u"$/],
    ['!event = "a"', /read as.*: event = "a"$/],
    ['event = "x" and (match(event, "a*") or userId = "u")', /only once, and last/],
    [
      '(event = "a" or contains(properties.x, "b") or userId = "u") and userId != null',
      /only once, and last/,
    ],
    ['match(event, "a")', /read as/],
    ['match(event, "a*b")', /read as/],
    ['event = "a" event = "b"', /read as.*: event = "a" and event = "b"$/],
    ['event != null', /read as/],
    ['properties.x = 1.0', /read as.*: properties.x = 1$/],
    ['propertys.x = 1', /a condition such as/],
    ['event = "a" and propertys.x = 1', /read as.*: event = "a"$/],
    // The parser takes these as they are, and evaluates something else.
    ['match(event, "*x*")', /contains/],
    ['event like "a"', /in place of like/],
    ['properties.flag != true', /= false in place of != true/],
    ['event > 5', /compares numbers/],
    ['name = "x"', /no name and no traits/],
    ['traits.email = "x"', /no name and no traits/],
    ['type = "identify"', /type = "track"/],
  ])('[RO10] %s is refused, and what to write is said', (text, expected) => {
    const read = readFilter(text)
    expect(read).toMatchObject({ ok: false, expected: expect.stringMatching(expected) })
  })

  it.each<[string, boolean]>([
    [`event = "${delivered}"`, true],
    [`event="${delivered}"   and properties.n  > 4`, true],
    ['match(event, "com.twilio.*") and !match(event, "*.failed")', true],
    ['(event = "a" or properties.n = 5) and userId = "u1"', true],
    ['(event = "a" and properties.n = 5) or (userId = "u1" and properties.flag = true)', true],
    ['properties.errorCode = null', true],
    ['properties.errorCode != null', false],
    ['contains(properties.tags.brand, " (or b) and ")', true],
    ['!contains(properties.to, "555")', false],
    ['properties.tags.brand = "a  (or b)"', false],
    ['context.app.name = "twilio-segment-bridge" and type = "track"', true],
    ['properties.missing = "x" or properties.n <= 4', false],
    ['match(event, "*")', true],
  ])('[RO11] %s is taken, and is %s of the call', (text, expected) => {
    expect(matches(filterOf(text), call)).toBe(expected)
  })

  it('[RO11] what is taken means what it says, whatever it is made of', { tags: 'property' }, () => {
    const { event, properties } = call
    const atoms: readonly (readonly [string, boolean])[] = [
      [`event = "${event}"`, true],
      ['event != "x"', true],
      ['match(event, "com.*")', true],
      ['!match(event, "*.delivered")', false],
      [`properties.n > 5`, properties.n > 5],
      ['properties.flag = false', false],
      ['contains(properties.to, "+1555")', true],
      ['properties.errorCode != null', false],
    ]
    const atom = fc.constantFrom(...atoms)
    // Brackets end where those of a function end, so only the last of them may be one.
    const plain = fc.constantFrom(...atoms.filter(([text]) => !text.includes('(')))
    const operator = fc.constantFrom('and', 'or')
    const joined = (operands: readonly (readonly [string, boolean])[], by: string) =>
      [
        operands.map(([text]) => text).join(` ${by} `),
        by === 'and' ? operands.every(([, is]) => is) : operands.some(([, is]) => is),
      ] as const
    const group = fc
      .tuple(fc.array(plain, { minLength: 1, maxLength: 2 }), atom, operator)
      .map(([operands, last, by]) => joined([...operands, last], by))
      .map(([text, is]) => [`(${text})`, is] as const)
    const whole = fc
      .tuple(fc.array(fc.oneof(atom, group), { minLength: 2, maxLength: 4 }), operator)
      .map(([operands, by]) => joined(operands, by))
    fc.assert(
      fc.property(whole, ([text, is]) => {
        expect(matches(filterOf(text), call), text).toBe(is)
      }),
      { numRuns: runs(200) },
    )
  })

  it('[RO11] whether a type can match is decided by what is said of its name alone', () => {
    const filter = filterOf('properties.accountSid = "AC1" and match(event, "com.twilio.voice.*")')
    expect(mayMatch(filter, 'com.twilio.voice.x')).toBe(true)
    expect(mayMatch(filter, delivered)).toBe(false)
    expect(mayMatch(filterOf('properties.a = "1" or match(event, "com.twilio.voice.*")'), delivered)).toBe(
      true,
    )
    expect(mayMatch(filterOf(`(event = "a" or event = "${delivered}") and userId != null`), delivered)).toBe(
      true,
    )
  })
})
