/**
 * How many random inputs a test tries: all in `npm run test:long` and `test:all`, a tenth in `npm test`. Such a test has the
 * tag `property`.
 */
const isPatient = process.env.MANY_SAMPLES !== undefined

export function runs(many: number): number {
  return isPatient ? many : Math.ceil(many / 10)
}
