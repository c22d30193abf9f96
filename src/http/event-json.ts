/** Events as the API shows them: times in ISO 8601, faults as data. Pure. */
import type { EventDetail, EventSummary } from '../desk.ts'

export function toSummaryJson({ receivedAt, settledAt, ...summary }: EventSummary): object {
  return {
    ...summary,
    receivedAt: toIso(receivedAt),
    settledAt: settledAt === null ? null : toIso(settledAt),
  }
}

/** As text, for what Twilio sent is text already: it may be nested deeper than this thread could write it. */
export function toEventJson({ attempts, received, mapped, faults, answer, ...summary }: EventDetail): string {
  const shallow = {
    ...toSummaryJson(summary),
    faults,
    answer,
    attempts: attempts.map(({ at, ...attempt }) => ({ at: toIso(at), ...attempt })),
  }
  return `${JSON.stringify(shallow).slice(0, -1)},"received":${received},"mapped":${mapped}}`
}

function toIso(ms: number): string {
  return new Date(ms).toISOString()
}
