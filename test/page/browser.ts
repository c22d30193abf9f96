/**
 * The debugger page in a real Chromium. Whatever a visit should never meet is an error of its test: a message on the console,
 * an exception, a breach of the Content-Security-Policy, a request to another host, a customer's number in any address.
 */
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest'
import type { Bridge } from '../support/bridge.ts'
import { findChromium, howToGet } from '../support/chromium.ts'
import { PATIENCE_MS } from '../support/patience.ts'

const flags = [
  ...['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
]

export const desktop = { width: 1280, height: 800 }
export const phone = { width: 360, height: 740 }

export type VisitOptions = {
  /** `#/events?state=rejected` */
  readonly hash?: string
  readonly size?: { readonly width: number; readonly height: number }
  readonly theme?: 'light' | 'dark'
  /** @default true, by the start-up link */
  readonly loggedIn?: boolean
  /** What the browser itself says on the console of a failure that the test brings about. */
  readonly expected?: RegExp
  /** For a script the test brings along. */
  readonly bypassCsp?: boolean
  readonly sharpness?: number
}

export type Visit = AsyncDisposable & {
  readonly page: Page
  readonly context: BrowserContext
  /** Every address asked for so far. */
  readonly requested: readonly string[]
  readonly troubles: readonly string[]
}

type Visited = Pick<Bridge, 'origin' | 'adminToken'>

export async function launch(): Promise<Browser> {
  const executablePath = findChromium()
  if (!executablePath) throw new Error(`There is no Chromium here: ${howToGet}`)
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return chromium.launch({ executablePath, args: [...flags, ...asRoot] })
}

/** One browser a file; each visit is a person of its own, without cookies of another. */
export function useBrowser(): (bridge: Visited, options?: VisitOptions) => Promise<Visit> {
  let browser: Browser | undefined
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser?.close())
  return async (bridge, options) => {
    if (!browser) throw new Error('The browser is there from the first test on')
    const visit = await openVisit(browser, bridge, options)
    onTestFinished(async () => {
      await visit[Symbol.asyncDispose]()
      expect(visit.troubles, 'What the browser met and should not have').toEqual([])
    })
    return visit
  }
}

export async function openVisit(
  browser: Browser,
  { origin, adminToken }: Visited,
  options: VisitOptions = {},
): Promise<Visit> {
  const { hash = '', size = desktop, theme = 'light', loggedIn = true, expected, bypassCsp = false } = options
  const context = await browser.newContext({
    viewport: size,
    colorScheme: theme,
    bypassCSP: bypassCsp,
    reducedMotion: 'reduce',
    deviceScaleFactor: options.sharpness ?? 1,
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  const requested: string[] = []
  const troubles: string[] = []
  const note = (text: string) => expected?.test(text) || troubles.push(text)
  context.on('console', message => {
    if (['error', 'warning'].includes(message.type()))
      note(`console: ${message.text()} ${message.location().url}`)
  })
  context.on('dialog', dialog => {
    note(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  context.on('weberror', error => note(`exception: ${error.error().message}`))
  context.on('request', request => {
    const url = request.url()
    requested.push(url)
    if (!url.startsWith(`${origin}/`) && !url.startsWith('data:')) note(`request to another host: ${url}`)
    if (/5550\d{6}/.test(decodeURIComponent(url))) note(`a phone number in an address: ${url}`)
  })
  await context.exposeFunction('noteBreach', (text: string) => note(`policy: ${text}`))
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
      Reflect.get(window, 'noteBreach')(`${violatedDirective} ${blockedURI}`)
    })
  })
  const page = await context.newPage()
  page.setDefaultTimeout(PATIENCE_MS / 2)
  const start = `${origin}/debugger/`
  if (loggedIn) {
    await page.goto(`${start}#token=${adminToken}`)
    await page.locator('.connection[data-state="live"]').waitFor()
    if (hash) await goTo(page, hash)
  } else await page.goto(start + hash)
  let closed: Promise<void> | undefined
  return {
    page,
    context,
    requested,
    troubles,
    [Symbol.asyncDispose]: () => (closed ??= context.close()),
  }
}

export async function goTo(page: Page, hash: string): Promise<void> {
  await page.evaluate(to => {
    location.hash = to
  }, hash)
}

/** Until what is asked gives it: the page is live, nothing on it is there at once. */
export function soon<T>(what: () => Promise<T> | T, timeoutMs = PATIENCE_MS / 2) {
  return expect.poll(what, { timeout: timeoutMs, interval: 50 })
}

/** What the page draws with the next frame is drawn. */
export async function nextFrame(page: Page): Promise<void> {
  await page.evaluate(
    () => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve))),
  )
}

export const rowsOf = (page: Page): Locator => page.locator('.rows > .row')

/** The list's row of an event, by its key. */
export function rowOf(page: Page, key: string | undefined): Locator {
  return page.locator('.rows > .row', { has: page.locator(`a[href="#/events/${key}"]`) })
}

export const stateOf = (row: Locator) => row.locator('.chip').textContent()

/** Everything the document holds, texts and attributes. */
export const wholeDocument = (page: Page) => page.evaluate(() => document.documentElement.outerHTML)

/** No part of the page is wider than the window. */
export async function overflowOf(page: Page): Promise<number> {
  return page.evaluate(() => {
    const boxes = [document.documentElement, document.body, document.querySelector('main')]
    return Math.max(...boxes.map(box => (box ? box.scrollWidth - box.clientWidth : 0)))
  })
}
