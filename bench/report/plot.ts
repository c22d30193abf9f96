/** Throughput side by side as one SVG: each batch to its own scale, in colours that can be read on light and on dark. */
import type { Throughput, ThroughputRow } from '../sections/throughput.ts'
import { toWhole } from './table.ts'

const WIDTH = 760
const LEFT = 250
const RIGHT = 130
const BAR = 18
const GAP = 4
const GROUP_GAP = 34
const TOP = 44

const names: Readonly<Record<ThroughputRow['key'], string>> = {
  floor: 'floor: checks, stores nothing',
  bridge: 'this bridge: on disk before 2xx',
  paced: 'this bridge, sending 1,000/s',
  blog: 'Express + SDK: stores nothing',
  queue: 'Express + BullMQ + Redis',
}

const style = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .quiet { fill: #59636e } .head { font-weight: 600 }
  .floor { fill: #8c959f } .bridge, .paced { fill: #1a7f37 } .blog { fill: #bf8700 } .queue { fill: #8250df }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .quiet { fill: #9198a1 }
    .floor { fill: #767e88 } .bridge, .paced { fill: #3fb950 } .blog { fill: #d29922 } .queue { fill: #ab7df8 }
  }`

export function toPlot({ rows, title }: Throughput): string {
  const batches = [...new Set(rows.map(({ batch }) => batch))]
  const parts: string[] = []
  let y = TOP
  for (const batch of batches) {
    const group = rows.filter(row => row.batch === batch)
    const most = Math.max(...group.map(row => row.eventsPerSecond.median))
    parts.push(text(8, y, `${batch} ${batch === 1 ? 'event' : 'events'} a request`, 'head'))
    y += 10
    for (const row of group) {
      const rate = row.eventsPerSecond.median
      const width = ((rate / most) * (WIDTH - LEFT - RIGHT)).toFixed(1)
      parts.push(
        text(LEFT - 8, y + 13, names[row.key], 'quiet', 'end'),
        `<rect class="${row.key}" x="${LEFT}" y="${y}" width="${width}" height="${BAR}" rx="2"/>`,
        text(LEFT + Number(width) + 6, y + 13, `${toWhole(rate)}  (${row.toBlog.toFixed(1)} ×)`, ''),
      )
      y += BAR + GAP
    }
    y += GROUP_GAP - GAP
  }
  const height = y - 8
  const heading = text(8, 18, `${title} (× of Express + SDK)`, 'head')
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}">
<style>${style}
</style>
${[heading, ...parts].join('\n')}
</svg>
`
}

function text(x: number, y: number, content: string, kind: string, anchor = 'start'): string {
  return `<text class="${kind}" x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}">${content}</text>`
}
