// Runs a script of this package in this very process: signals, exit code and stdio are its own. Downloads nothing, starts
// nothing, replaces nothing. Node 16 must be able to parse this, so that an old Node can say which one is needed.
import { pathToFileURL } from 'node:url'

const [major, minor] = process.versions.node.split('.').map(Number)
export const isNewEnough = major > 22 || (major === 22 && minor >= 18)

export function runHere(script) {
  const { emitWarning } = process
  // Node 22 calls node:sqlite experimental on stderr. The flag against it would need a second process.
  process.emitWarning = (warning, ...rest) => {
    if (!(rest[0] === 'ExperimentalWarning' && /SQLite/.test(warning)))
      emitWarning.call(process, warning, ...rest)
  }
  return import(pathToFileURL(script).href)
}

/** A SIGTERM ends npm, and npm leaves its script behind on the port: then the script is asked to end as well, once. */
export function endWithNpm(end) {
  if (process.env.npm_lifecycle_event === undefined) return
  const npm = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === npm) return
    clearInterval(watch)
    end()
  }, 500)
  watch.unref()
}

/** 2 is what the command says to a wrong setting or wrong use, too: it will not get better by being started again. */
export function giveUp(cause = '') {
  say(
    `${cause}Node ${process.versions.node} is too old: install Node 24 (or any from 22.18 on) and run this again.`,
  )
  process.exit(2)
}

export function say(text) {
  process.stderr.write(`twilio-segment-bridge: ${text}\n`)
}
