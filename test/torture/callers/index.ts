/** The hostile callers, in the order of the table. */
import type { Scenario } from '../scenario.ts'
import * as cutOff from './cut-off.ts'
import * as idle from './idle.ts'
import * as json from './json.ts'
import * as naughty from './naughty.ts'
import * as oversize from './oversize.ts'
import * as signatures from './signatures.ts'
import * as slowLoris from './slow-loris.ts'
import * as smuggling from './smuggling.ts'

export const callers: readonly Scenario[] = [
  ...slowLoris.scenarios,
  ...idle.scenarios,
  ...cutOff.scenarios,
  ...oversize.scenarios,
  ...signatures.scenarios,
  ...smuggling.scenarios,
  ...json.scenarios,
  ...naughty.scenarios,
]
