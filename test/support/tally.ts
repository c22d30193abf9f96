/** A vitest reporter: prints `Tests: N passed, N failed` as the very last line of a run, for people and for CI. */
import type { Reporter } from 'vitest/node'

type RunEnd = Required<Reporter>['onTestRunEnd']

export default class Tally implements Reporter {
  #line = 'Tests: 0 passed, 0 failed'

  onInit() {
    // Whatever else vitest or a plugin still has to say comes before the end of the process.
    process.once('exit', () => process.stdout.write(`${this.#line}\n`))
  }

  onTestRunEnd(...[modules, errors]: Parameters<RunEnd>) {
    const count = { passed: 0, failed: errors.length, skipped: 0, pending: 0 }
    for (const module of modules) {
      const tests = [...module.children.allTests()]
      for (const test of tests) count[test.result().state]++
      // A file that could not be loaded, or whose hook failed, is a failure although no test of it is.
      const failed = module.state() === 'failed' && !tests.some(test => test.result().state === 'failed')
      if (failed) count.failed++
    }
    const { passed, skipped } = count
    const failed = count.failed + count.pending
    this.#line = `Tests: ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
  }
}
