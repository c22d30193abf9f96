/** The browser of the page's tests is the one this machine has: none is downloaded. */
import { existsSync } from 'node:fs'

export const howToGet = 'apt-get install chromium, or set CHROMIUM to the path of a Chromium or Chrome'

const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

export function findChromium(): string | undefined {
  return [process.env.CHROMIUM ?? '', ...places].find(path => path !== '' && existsSync(path))
}
