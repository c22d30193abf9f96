/**
 * Health at a glance: does it flow, what waits, what is out of order, where every event is, what has been told.
 * @import { Page, View } from '../main.js'
 * @import { LiveStats as Stats } from '../../admin/changes.ts'
 */
import { h, replaceChildren } from '../dom.js'
import { failure, skeleton } from '../parts.js'
import { createAccount } from './health/account.js'
import { createDestinations } from './health/destinations.js'
import { createFlow } from './health/flow.js'
import { createNotices } from './health/notices.js'
import { createStations } from './health/stations.js'

const TICK_MS = 1_000

/**
 * @param {Page} page
 * @returns {View}
 */
export function createHealthView(page) {
  const stations = createStations(page)
  const flow = createFlow(page)
  const destinations = createDestinations(page)
  const account = createAccount()
  const notices = createNotices(page)
  const parts = [stations, destinations, flow, account, notices]
  const body = h('div', { class: 'health' })
  const element = h('div', { class: 'page' }, h('h1', null, 'Health'), body)
  /** @type {Stats | null} */
  let stats = null
  /** @type {(() => void)[]} */
  let ends = []

  /** @param {Stats} next */
  function take(next) {
    if (!stats || !body.contains(stations.element)) replaceChildren(body, ...parts.map(part => part.element))
    stats = next
    draw()
  }

  function draw() {
    if (stats) for (const part of parts) part.draw(stats)
  }

  async function read() {
    try {
      take(await page.api.get('/stats'))
    } catch (error) {
      if (!stats)
        replaceChildren(
          body,
          failure(error, () => void read()),
        )
    }
  }

  return {
    element,
    show() {
      if (ends.length > 0) return
      const last = page.stream.last()
      const timer = setInterval(draw, TICK_MS)
      ends = [page.stream.onPulse(pulse => take(pulse.stats)), () => clearInterval(timer), flow.end]
      if (last) return take(last.stats)
      if (!stats) replaceChildren(body, skeleton(6))
      void read()
    },
    hide() {
      for (const end of ends) end()
      ends = []
    },
  }
}
