/** Why a destination, or one event on its way there, does not get on. Pure data, part of reasons.ts. */
import { fileReasons } from './files.ts'
import { stop } from './stop.ts'

/** One event waits by itself: it stays pending, is tried again alone now and then, and holds up no other. */
export const waitReasons = {
  held_back: stop(
    913945,
    'WARNING',
    'The destination fails whenever a request holds this event, and only then',
    'Look at the answer: a firewall or proxy on the way may dislike the text. Inspect it with `npx twilio-segment-bridge dead-letters list --held`, then retry, edit or drop it.',
  ),
  participant_unknown: stop(
    913948,
    'WARNING',
    'Who the participant of the Proxy session is has to be asked of Twilio first',
    'Nothing at first: the bridge asks. If it goes on, check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, or TWILIO_API_KEY and TWILIO_API_SECRET, and that they belong to the account of the Proxy service.',
  ),
} as const
export type WaitReason = keyof typeof waitReasons

/** A delivery attempt failed; its events stay pending and are tried again for ever. */
export const deliveryReasons = {
  ...fileReasons,
  segment_throttled: stop(
    91302,
    'WARNING',
    'Segment throttles the bridge',
    'Nothing at first: the bridge waits as told. If it goes on, lower SEGMENT_RATE or ask Segment for more.',
  ),
  segment_failing: stop(
    91306,
    'ERROR',
    'Segment answers with a server error',
    'Nothing at first: the bridge retries. If it goes on, look at status.segment.com.',
  ),
  segment_unreachable: stop(
    91307,
    'ERROR',
    'Segment cannot be reached',
    'Check DNS, the firewall and SEGMENT_HOST from this machine.',
  ),
  segment_timeout: stop(
    91308,
    'ERROR',
    'Segment did not answer in time',
    'Nothing at first: the bridge retries. If it goes on, check the network path.',
  ),
  segment_unauthorized: stop(
    913940,
    'ERROR',
    'Segment rejected the write key',
    'Check SEGMENT_WRITE_KEY. The bridge tries again, as long as it is refused every 5 minutes.',
  ),
  segment_misrouted: stop(
    913941,
    'ERROR',
    "Host is not Segment's Tracking API",
    'Check SEGMENT_HOST, SEGMENT_PATH and SEGMENT_REGION, and any proxy. The bridge tries again, as long as it goes on every 5 minutes.',
  ),
  segment_refuses_all: stop(
    913942,
    'ERROR',
    'Segment refuses every event of a batch',
    'Check SEGMENT_WRITE_KEY, SEGMENT_HOST and SEGMENT_PATH. The bridge tries again, as long as it goes on every 5 minutes.',
  ),
  bridge_fault: stop(
    91304,
    'ERROR',
    'The bridge could not hand the batch to Segment',
    'Report it with this notice: nothing is lost, the bridge retries.',
  ),
} as const
export type DeliveryReason = keyof typeof deliveryReasons

/** A destination is stopped though nothing fails; its events stay pending. */
export const pauseReasons = {
  paused_by_operator: stop(
    913946,
    'WARNING',
    'A person, or the destinations file, has paused the destination',
    'Resume it when its events may go: `npx twilio-segment-bridge destinations resume <name>`.',
  ),
  change_unconfirmed: stop(
    913947,
    'WARNING',
    'A change of the destinations file waits to be confirmed',
    'Look at `npx twilio-segment-bridge destinations list`: confirm the change there, or undo it in the file and restart.',
  ),
} as const
export type PauseReason = keyof typeof pauseReasons
