/**
 * How many wait and since when; how fast events come and go, as two figures and their last hour.
 * @import { Page } from '../../main.js'
 * @import { LiveStats as Stats } from '../../../admin/changes.ts'
 * @import { Rates } from '../../../stats/rates.ts'
 */
import { axes, createPlot, fromZero } from '../../charts.js'
import { h, setText } from '../../dom.js'
import { clock, duration, number, rate } from '../../format.js'

const HEIGHT = 132
/** The bridge's own steps are no shorter. */
const READ_MS = 10_000
/** What waits for a shorter time does not wait. */
const UNDER_WAY_SECONDS = 5

/** @param {Page} page */
export function createFlow(page) {
  const waiting = createFigure('Waiting for Segment')
  const inward = createFigure('In', 'flow-in')
  const outward = createFigure('Out', 'flow-out')
  const plotPlace = h('figure', { class: 'flow-plot' })
  const element = h(
    'section',
    { class: 'card flow', 'aria-label': 'Flow' },
    h('dl', { class: 'tiles' }, waiting.element, inward.element, outward.element),
    plotPlace,
  )
  /** @type {import('../../charts.js').Plot | undefined} */
  let plot
  let readAt = 0
  /** @type {Rates | undefined} */
  let hour

  async function readHour() {
    readAt = Date.now()
    try {
      hour = await page.api.get('/rates?window=1h')
      if (plot) drawPlot()
    } catch {
      // The last known hour stays; the shell says that nobody answers.
    }
  }

  function drawPlot() {
    if (!plot) {
      plot = createRatePlot()
      plotPlace.replaceChildren(plot.element)
    }
    if (!hour) return
    const from = Date.parse(hour.from) / 1_000
    const { stepSeconds } = hour
    plot.update([hour.in.map((_, step) => from + step * stepSeconds), [...hour.in], [...hour.out]])
  }

  return {
    element,
    /** @param {Stats} stats */
    draw({ pending, unsorted, oldestPendingSeconds, accepted, received }) {
      waiting.draw(number(pending + unsorted), toNote(pending, unsorted, oldestPendingSeconds))
      const now = page.stream.last()?.rate
      inward.draw(now ? rate(now.in) : '–', `${number(received)} received in all`)
      outward.draw(now ? rate(now.out) : '–', `${number(accepted)} accepted in all`)
      if (!plot) drawPlot()
      if (Date.now() - readAt >= READ_MS) void readHour()
    },
    end() {
      plot?.destroy()
      plot = undefined
      readAt = 0
    },
  }
}

/**
 * @param {number} pending
 * @param {number} unsorted
 * @param {number} oldestSeconds
 */
function toNote(pending, unsorted, oldestSeconds) {
  if (unsorted > 0) return `${number(unsorted)} received, not indexed yet`
  return pending === 0 ? 'nothing waits' : toAge(oldestSeconds)
}

/** @param {number} seconds */
function toAge(seconds) {
  if (seconds < UNDER_WAY_SECONDS) return 'under way'
  return `the oldest for ${duration(Math.round(seconds) * 1_000).replace(/\.\d+ s$/, ' s')}`
}

/**
 * @param {string} label
 * @param {string} [className]
 */
function createFigure(label, className = '') {
  const value = h('dd', { class: 'figure-value' })
  const note = h('dd', { class: 'figure-note' })
  const element = h('div', { class: `tile ${className}`.trim() }, h('dt', null, label), value, note)
  return {
    element,
    /**
     * @param {string} text
     * @param {string} more
     */
    draw(text, more) {
      setText(value, text)
      setText(note, more)
    },
  }
}

/**
 * @param {Date} at
 * @param {number} stepSeconds
 */
function toTick(at, stepSeconds) {
  const { time } = clock(at.getTime())
  return stepSeconds < 60 ? time : time.slice(0, 5)
}

function createRatePlot() {
  return createPlot({
    label:
      'Events per second in and out over the last hour, by minute; the figures beside it are the last minute’s mean',
    height: HEIGHT,
    options: ink => ({
      padding: [8, 28, 0, 0],
      cursor: { show: false },
      scales: { x: { time: true }, y: fromZero(1) },
      axes: axes(ink, { time: toTick, value: rate }),
      series: [
        {},
        {
          stroke: () => ink('--flow-in'),
          fill: () => ink('--flow-in', 0.1),
          width: 1.5,
          points: { show: false },
        },
        { stroke: () => ink('--flow-out'), width: 1.5, points: { show: false } },
      ],
    }),
  })
}
