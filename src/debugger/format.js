/** Values as people read them. Pure, but for the browser's own time zone and language. */

/**
 * `+1 555 ••• 0199`: enough to recognise a customer, too little to call one.
 * @param {string | null | undefined} address
 * @returns {string}
 */
export function mask(address) {
  if (!address) return '–'
  const [, scheme = '', rest = address] = /^([a-z][a-z0-9+.-]*:)?(.*)$/is.exec(address) ?? []
  const digits = rest.replace(/[\s()./-]/g, '')
  if (/^\+\d{7,15}$/.test(digits)) {
    const country = digits.startsWith('+1') || digits.startsWith('+7') ? 2 : 3
    const area = digits.length >= country + 9 ? ` ${digits.slice(country, country + 3)}` : ''
    return `${scheme}${digits.slice(0, country)}${area} ••• ${digits.slice(-4)}`
  }
  const shown = [...visible(rest)]
  if (shown.length <= 4) return scheme + '•'.repeat(shown.length)
  return `${scheme}${shown.slice(0, 1).join('')}•••${shown.slice(-2).join('')}`
}

/**
 * Control characters become their pictures, half surrogate pairs U+FFFD: what is in the data can be seen, and does nothing.
 * Direction marks become their names' initials.
 * @param {string} text
 * @returns {string}
 */
export function visible(text) {
  return text.replace(/\p{Surrogate}/gu, '\ufffd').replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, picture)
}

/** @param {string} c */
function picture(c) {
  const code = c.codePointAt(0) ?? 0
  if (code < 0x20) return c === '\n' || c === '\t' ? c : String.fromCharCode(0x2400 + code)
  if (code === 0x7f) return '\u2421'
  return marks[c] ?? `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`
}

/** @type {Record<string, string>} */
const marks = {
  '\u200b': '⟨ZWSP⟩',
  '\u200c': '\u200c',
  '\u200d': '\u200d',
  '\u200e': '⟨LRM⟩',
  '\u200f': '⟨RLM⟩',
  '\u202a': '⟨LRE⟩',
  '\u202b': '⟨RLE⟩',
  '\u202c': '⟨PDF⟩',
  '\u202d': '⟨LRO⟩',
  '\u202e': '⟨RLO⟩',
  '\u2066': '⟨LRI⟩',
  '\u2067': '⟨RLI⟩',
  '\u2068': '⟨FSI⟩',
  '\u2069': '⟨PDI⟩',
  '\ufeff': '⟨BOM⟩',
}

/**
 * The first `n` characters, never half of one, with an ellipsis when something is cut.
 * @param {string} text
 * @param {number} n
 */
export function clip(text, n) {
  if (text.length <= n) return text
  const end = /[\ud800-\udbff]/.test(text[n - 1] ?? '') ? n - 1 : n
  return `${text.slice(0, end)}…`
}

/**
 * `com.twilio.messaging.message.delivered` → `message.delivered`.
 * @param {string} type
 */
export function shortType(type) {
  if (type.endsWith('.*')) return `all of ${visible(clip(type, 200).replace(/^com\.twilio\.|\.\*$/g, ''))}`
  const parts = clip(type, 200)
    .replace(/^com\.twilio\./, '')
    .split('.')
  return visible(parts.slice(-2).join('.')) || '(no type)'
}

/**
 * Everything that Twilio sends of one kind begins alike: `com.twilio.voice.*`.
 * @param {string} type
 * @returns {string | undefined} undefined for a type that is not Twilio's
 */
export function familyOf(type) {
  const [, family] = /^(com\.twilio\.[^.]+\.)./.exec(type) ?? []
  return family && `${family}*`
}

/**
 * @param {string} type
 * @param {string} wanted a type, or a family
 */
export function isOfType(type, wanted) {
  return wanted.endsWith('*') ? type.startsWith(wanted.slice(0, -1)) : type === wanted
}

/** @param {number} n */
export const number = n => numbers.format(n)
const numbers = new Intl.NumberFormat('en')

/**
 * `12`, `1.2k`, `3.4M`.
 * @param {number} n
 */
export const compact = n => compacts.format(n)
const compacts = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })

/**
 * Events a second.
 * @param {number} n
 */
export const rate = n => `${n >= 10 ? number(Math.round(n)) : n.toFixed(1).replace(/\.0$/, '')}/s`

/**
 * A share of 0 to 1. Never rounds up to 100 % nor down to 0 %.
 * @param {number} share
 */
export function percent(share) {
  const rounded = share === 0 || share === 1 ? share * 100 : Math.min(99.9, Math.max(0.1, share * 100))
  return `${rounded.toFixed(1).replace(/\.0$/, '')} %`
}

/**
 * `0.4 ms`, `38 ms`, `1.24 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`.
 * @param {number} ms
 */
export function duration(ms) {
  if (!Number.isFinite(ms)) return '–'
  if (ms < 1) return `${ms.toFixed(ms === 0 ? 0 : 1)} ms`
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 10_000) return `${(ms / 1_000).toFixed(2)} s`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  const s = Math.round(ms / 1_000)
  if (s < 3_600) return join(Math.floor(s / 60), 'min', s % 60, 's')
  const min = Math.round(s / 60)
  if (min < 1_440) return join(Math.floor(min / 60), 'h', min % 60, 'min')
  const hours = Math.round(min / 60)
  return join(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

/**
 * @param {number} big
 * @param {string} bigUnit
 * @param {number} small
 * @param {string} smallUnit
 */
const join = (big, bigUnit, small, smallUnit) =>
  small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`

/**
 * `703B`, `1.2KB`: a thousand bytes each.
 * @param {number} bytes
 */
export const size = bytes => sizes.format(bytes)
const sizes = new Intl.NumberFormat('en', {
  style: 'unit',
  unit: 'byte',
  unitDisplay: 'narrow',
  notation: 'compact',
  maximumFractionDigits: 1,
})

const times = new Intl.DateTimeFormat('en', { timeStyle: 'medium', hourCycle: 'h23' })
const days = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric' })

/**
 * Local clock time, `14:03:07`, with its milliseconds apart so that they can be shown fainter; `day` unless it is today.
 * @param {string | number} time
 */
export function clock(time) {
  const at = new Date(time)
  const today = new Date().toDateString() === at.toDateString()
  return {
    day: today ? '' : days.format(at),
    time: times.format(at),
    ms: `.${String(at.getMilliseconds()).padStart(3, '0')}`,
  }
}

/**
 * In one string, for titles and sentences: `Nov 22, 14:03:07.120`.
 * @param {string | number} time
 */
export function moment(time) {
  const { time: hours, ms } = clock(time)
  return `${days.format(new Date(time))}, ${hours}${ms}`
}

/**
 * `just now`, `12 sec. ago`, `in 3 min.`
 * @param {string | number} time
 * @param {number} [now]
 */
export function relative(time, now = Date.now()) {
  const seconds = (new Date(time).getTime() - now) / 1_000
  const distance = Math.abs(seconds)
  if (distance < 2) return 'just now'
  const [unit, length] =
    units.find(([, length]) => distance >= length) ?? /** @type {const} */ (['second', 1])
  return relatives.format(Math.trunc(seconds / length), unit)
}
const relatives = new Intl.RelativeTimeFormat('en', { style: 'short' })
const units = /** @type {const} */ ([
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
])

/**
 * `1 event`, `2 events`.
 * @param {number} n
 * @param {string} one
 * @param {string} [many]
 */
export const plural = (n, one, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`

/**
 * For a list: why it may lack events; nothing when everything is indexed.
 * @param {number} events
 */
export function toIndexLag(events) {
  if (events === 0) return ''
  return `${plural(events, 'stored event')} ${events === 1 ? 'is' : 'are'} not indexed yet, so this list may lack some.`
}
