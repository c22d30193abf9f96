import fc from 'fast-check'
import { expect, it } from 'vitest'
import { urlCandidates, withoutUserinfo } from '../../src/ingest/url-candidates.ts'
import { oddBase, oddPair } from '../support/odd-urls.ts'
import { runs } from '../support/runs.ts'
import { base, oracleSpellings, stripUserinfo } from '../support/signatures.ts'

it("[AU4] the spellings are exactly the twilio package's, plus each without userinfo", {
  tags: 'property',
}, () => {
  fc.assert(
    fc.property(oddBase, fc.array(oddPair, { maxLength: 8 }), (url, pairs) => {
      const query = pairs.join('&')
      const theirs = oracleSpellings(query === '' ? url : `${url}?${query}`)
      const ours = [...urlCandidates([url], query)].map(spelling => Buffer.from(spelling).toString())
      expect(new Set(ours)).toEqual(new Set([...theirs, ...theirs.map(stripUserinfo)]))
    }),
    { numRuns: runs(5000) },
  )
})

it('[AU4] the re-encoding stops after 1000 pairs, empty ones included', () => {
  const query = `'&${'&'.repeat(500)}${Array.from({ length: 600 }, (_, i) => `k${i}=${i}`).join('&')}`
  expect([...urlCandidates([base], query)].sort()).toEqual(oracleSpellings(`${base}?${query}`).sort())
})

it('[AU4] the URL as given is the first spelling, for each base before any other form', () => {
  const query = "Body=It's"
  expect([...urlCandidates(['https://u:p@a.example:81/x', 'https://b.example'], query)].slice(0, 7)).toEqual([
    "https://u:p@a.example:81/x?Body=It's",
    "https://u:p@a.example/x?Body=It's",
    "https://a.example:81/x?Body=It's",
    "https://a.example/x?Body=It's",
    "https://b.example?Body=It's",
    "https://b.example:443?Body=It's",
    'https://u:p@a.example:81/x?Body=It%27s',
  ])
})

it('[AU3] userinfo is cut off for a log line, whatever the URL holds', () => {
  expect(withoutUserinfo('https://u:p@x@a.example:81/@?@')).toBe('https://a.example:81/@?@')
  expect(withoutUserinfo('nonsense')).toBe('nonsense')
})
