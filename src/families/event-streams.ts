/**
 * Event Streams' own events: the sink's test event. It is kept and shown, and never mapped; its data is not judged.
 * Pure data: no I/O, no clock, no host.
 */
import * as z from 'zod'
import { defineFamily, optional } from './family.ts'

export const sinkTest = defineFamily({
  schema: 'EventStreams.TestSink',
  description: 'A sink is being tested',
  types: ['com.twilio.eventstreams.test-event'],
  versions: { 1: z.looseObject({ test_id: optional('text', 'What the sink is validated with') }) },
  skip: 'sink_test',
})
