/** Prometheus' text format 0.0.4, read strictly: what is not in its specification throws, with the line. */

export type Sample = {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}
export type Family = {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: readonly Sample[]
}

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const types = ['counter', 'gauge', 'histogram', 'summary', 'untyped']
const suffixes: Readonly<Record<string, readonly string[]>> = { histogram: ['_bucket', '_sum', '_count'] }

export function parseMetrics(text: string): Map<string, Family> {
  const families = new Map<string, { name: string; type: string; help: string; samples: Sample[] }>()
  const seen = new Set<string>()
  let current: { name: string; type: string; help: string; samples: Sample[] } | undefined
  if (!text.endsWith('\n')) throw new Error('The last line must end with a line feed')

  text.split('\n').forEach((line, index) => {
    const fail = (what: string): never => {
      throw new Error(`Line ${index + 1}: ${what}: ${line}`)
    }
    if (line === '') return
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? []
    if (keyword === 'HELP') {
      if (!metricName.test(name) || families.has(name)) fail('a metric is told of once, by a sound name')
      current = { name, help: rest, type: 'untyped', samples: [] }
      families.set(name, current)
    } else if (keyword === 'TYPE') {
      if (current?.name !== name || current.samples.length > 0)
        fail('TYPE stands before the samples of its metric')
      if (!types.includes(rest)) fail('no such type')
      if (current) current.type = rest
    } else if (line.startsWith('#')) fail('no comment of ours')
    else {
      const sample = parseSample(line) ?? fail('no sample')
      const names = current
        ? (suffixes[current.type]?.map(suffix => current?.name + suffix) ?? [current.name])
        : []
      if (!names.includes(sample.name)) fail('a sample stands under its metric')
      const series = sample.name + JSON.stringify(Object.entries(sample.labels).sort())
      if (seen.has(series)) fail('a series stands there once')
      seen.add(series)
      current?.samples.push(sample)
    }
  })
  for (const family of families.values()) if (family.type === 'histogram') checkHistogram(family)
  return families
}

function parseSample(line: string): Sample | undefined {
  const [, name, list = '', number = ''] = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/s.exec(line) ?? []
  const value = number === '+Inf' ? Number.POSITIVE_INFINITY : Number(number)
  if (name === undefined || number === '' || Number.isNaN(value)) return undefined
  const labels: Record<string, string> = {}
  let rest = list
  while (rest !== '') {
    const [whole, label, escaped] =
      /^([a-zA-Z_]\w*)="((?:[^"\\]|\\[\\"n])*)"(?:,(?=[a-zA-Z_])|$)/.exec(rest) ?? []
    if (whole === undefined || label === undefined || escaped === undefined || label in labels)
      return undefined
    labels[label] = escaped.replaceAll(/\\(.)/g, (_, character) => (character === 'n' ? '\n' : character))
    rest = rest.slice(whole.length)
  }
  return { name, labels, value }
}

/** Buckets grow, and the last one holds all. */
function checkHistogram({ name, samples }: Family): void {
  const toSeries = ({ labels: { le: _, ...others } }: Sample) => JSON.stringify(others)
  for (const series of new Set(samples.map(toSeries))) {
    const group = samples.filter(sample => toSeries(sample) === series)
    const buckets = group.filter(sample => sample.name === `${name}_bucket`)
    const bounds = buckets.map(({ labels }) =>
      labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le),
    )
    const count = group.find(sample => sample.name === `${name}_count`)?.value
    const grow = (numbers: readonly number[]) =>
      numbers.every((n, at) => at === 0 || n >= (numbers[at - 1] ?? 0))
    const isWhole = bounds.at(-1) === Number.POSITIVE_INFINITY && buckets.at(-1)?.value === count
    if (!isWhole || !grow(bounds) || !grow(buckets.map(({ value }) => value))) {
      throw new Error(`The buckets of ${name}${series} are wrong`)
    }
  }
}
