/** The reasons as a table: what a handler of notices tells them apart by. */
import { expect, it } from 'vitest'
import { reasons } from '../src/reasons.ts'

/** Twilio's own codes are used where the meaning is the same, and may be so for two reasons. */
const OWN = 913_900

it('[NT130] each reason with a code of this bridge has it for itself', () => {
  const own = Object.values(reasons).flatMap(({ code }) => (code >= OWN ? code : []))
  expect(own.filter((code, index) => own.indexOf(code) !== index)).toEqual([])
})
