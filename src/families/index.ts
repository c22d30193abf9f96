/**
 * The families this bridge knows. To add one: a file beside this one that calls `defineFamily`, and a line in the list.
 * In: a CloudEvent type. Out: what is known of it, if anything is.
 */
import { a2p } from './a2p.ts'
import { errorLogs, ipBlocked, lookup, transcript } from './account.ts'
import { callEvent, callMetric, callSummary } from './call-insights.ts'
import { comms } from './comms.ts'
import { conferenceParticipantSummary, conferenceSummary } from './conference-insights.ts'
import { conversations } from './conversations.ts'
import { sinkTest } from './event-streams.ts'
import type { EventType, Family } from './family.ts'
import { linkClicked, linkShortened } from './link-shortening.ts'
import { inboundMessage, messageStatus } from './messaging.ts'
import { notification } from './notify.ts'
import { proxyInteraction, proxyOutOfSession, proxySession } from './proxy.ts'
import { flowExecution, flowStep } from './studio.ts'
import { superSim } from './super-sim.ts'
import { taskRouter, taskRouterRateLimits } from './taskrouter.ts'
import { templateApproval } from './template.ts'
import { tollFree } from './toll-free.ts'
import { verification, verifyDelivery, verifyMessage } from './verify.ts'
import { video } from './video.ts'
import { voice } from './voice.ts'

export const families: readonly Family[] = [
  ...[messageStatus, inboundMessage, linkClicked, linkShortened, templateApproval, ...comms],
  ...[voice, callSummary, callEvent, callMetric, conferenceSummary, conferenceParticipantSummary],
  ...[taskRouter, taskRouterRateLimits, flowExecution, flowStep, ...conversations],
  ...[verification, verifyMessage, verifyDelivery, notification, ...video],
  ...[...a2p, ...tollFree, errorLogs, ipBlocked, lookup, transcript, superSim, sinkTest],
  ...[proxySession, proxyInteraction, proxyOutOfSession],
]

// A Map, not an object: the type comes from outside, and may be "constructor".
const byType = new Map(families.flatMap(({ eventTypes }) => eventTypes.map(one => [one.type, one] as const)))

export function eventTypeOf(type: string): EventType | undefined {
  return byType.get(type)
}

export function familyOf(type: string): Family | undefined {
  return byType.get(type)?.family
}
