/** Events of all families, as an account that uses everything has them: so many of a hundred thousand for each begin of a type. */
import { toSample } from '../src/cli/send/samples.ts'
import { families } from '../src/families/index.ts'

/** By what one unit of work gives: a message two or three, a call up to four and its summaries, a task ten to twenty. */
const shares: readonly (readonly [prefix: string, share: number])[] = [
  ['com.twilio.messaging.message.', 45_000],
  ['com.twilio.messaging.inbound-message.', 8_000],
  ['com.twilio.daptbt.', 2_000],
  ['com.twilio.voice.status-callback.', 9_000],
  ['com.twilio.voice.twiml.', 4_000],
  ['com.twilio.voice.insights.call-metrics.', 6_000],
  ['com.twilio.voice.insights.', 5_000],
  ['com.twilio.taskrouter.', 12_000],
  ['com.twilio.studio.', 4_000],
  ['com.twilio.conversations.', 3_000],
  ['com.twilio.accountsecurity.', 1_500],
  // Everything else.
  ['com.twilio.', 500],
]

/** Parsed, as the webhook has them. The same for the same dice. */
export function createMixedStream(events: number, random: () => number): unknown[] {
  const types = families.flatMap(family => (family.skip ? [] : family.types))
  const left = new Set(types)
  const groups = shares.map(([prefix, share]) => {
    const own = [...left].filter(type => type.startsWith(prefix))
    for (const type of own) left.delete(type)
    return { share, types: own }
  })
  const sum = groups.reduce((all, { share }) => all + share, 0)
  const toGroup = (place: number) => {
    let rest = place
    return groups.find(({ share }) => {
      rest -= share
      return rest < 0
    })
  }
  return Array.from({ length: events }, () => {
    const group = toGroup(random() * sum)
    const type = group?.types[Math.floor(random() * group.types.length)] ?? types[0] ?? ''
    return JSON.parse(JSON.stringify(toSample(type)))
  })
}
