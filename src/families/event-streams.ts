/**
 * Event Streams' own events: the sink's test event. It is kept and shown, and never mapped; its data is not judged.
 * Pure data: no I/O, no clock, no host.
 */
import * as z from 'zod'
import { defineFamily } from './family.ts'
import { optional } from './fields.ts'

export const sinkTest = defineFamily({
  schema: 'EventStreams.TestSink',
  description: 'A sink is being tested',
  group: 'Event Streams',
  prefix: 'com.twilio.eventstreams.',
  types: { 'test-event': 'Sink Test' },
  versions: () => ({ 1: z.looseObject({ test_id: optional('text', 'What the sink is validated with') }) }),
  skip: 'sink_test',
})
