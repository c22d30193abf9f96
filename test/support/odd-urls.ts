/** URLs as odd as the `twilio` package takes them. */
import fc from 'fast-check'
import { sha256 } from './signatures.ts'

const oneOf = <const T>(...values: readonly T[]) => fc.constantFrom(...values)

const oddText = fc.oneof(
  oneOf(
    '',
    'a',
    'b',
    '10',
    '2',
    '01',
    '-1',
    '4294967295',
    '__proto__',
    'constructor',
    'a%20b',
    'a+b',
    'a b',
    '+',
  ),
  oneOf(
    "It's+amazing",
    'It%27s%20amazing',
    '%',
    '%%41',
    '%4',
    '%zz',
    '%C3%A9',
    '%c3',
    '%E0%A4%A',
    '%EF%BB%BF%FF',
  ),
  oneOf(
    'é',
    '😀',
    '"<>`',
    '!~*()',
    '%2B',
    '%26',
    '[x]',
    'a;b',
    '/?',
    '#f',
    '\t',
    '\\',
    '=',
    '%00',
    '\u0000 ',
  ),
  fc.string({ maxLength: 6 }),
  fc.string({ unit: 'binary', maxLength: 4 }),
)

export const oddPair = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(oddText, oddText).map(([key, value]) => `${key}=${value}`) },
  { weight: 1, arbitrary: oddText },
)

export const oddBase = fc
  .tuple(
    oneOf('https://', 'https://', 'http://', 'HTTPS://', 'Http://'),
    oneOf('', '', '', 'user@', 'user:pass@', "u%40x:it's@", 'a@b:c@', 'ü:[p]@', '@', ':@'),
    oneOf(
      'example.com',
      'Example.COM',
      '[::1]',
      '[2001:DB8::1]',
      '127.0.0.1',
      'münchen.example',
      'a_b.example',
      'h h',
    ),
    oneOf('', '', '', ':443', ':80', ':8443', ':', ':0443', ':99999'),
    oneOf(
      '',
      '/',
      '/webhooks/twilio',
      '/webhooks/twilio/',
      "/it's",
      '/a b',
      '/a/../b',
      '/%7eu',
      '/ü',
      '//x',
      '\\y',
      '/@:1',
    ),
  )
  .map(parts => parts.join(''))

/** The parameter as Twilio adds it, and ways to get it wrong. */
export const hashParameter = (body: string) =>
  oneOf(
    `bodySHA256=${sha256(body)}`,
    `bodySHA256=${sha256(body)}`,
    `bodySHA256=${sha256(body)}`,
    `body%53HA256=%${sha256(body).charCodeAt(0).toString(16)}${sha256(body).slice(1)}`,
    `bodySHA256=${sha256(body)}&bodySHA256=${sha256(`${body}x`)}`,
    `bodySHA256=${sha256(`${body}x`)}&bodySHA256=${sha256(body)}`,
    `bodySHA256=${sha256(body).toUpperCase()}`,
    `bodySHA256=${sha256(body)} `,
    `bodySHA256=${sha256(body)}+`,
    `bodySHA256=${sha256(body).slice(1)}`,
    `bodysha256=${sha256(body)}`,
    `bodySHA256=`,
  )
