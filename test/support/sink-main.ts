/** `sink …` as a process of its own, against a stand-in of Twilio's API whose sink has the description that SINK_DESCRIPTION is. */
import { createSinkCommand } from '../../src/cli/sink.ts'
import { createTerminal } from '../../src/cli/terminal.ts'
import { startTwilioApi } from './twilio-api.ts'

await using api = await startTwilioApi()
const destination = 'https://bridge.example/webhooks/twilio'
api.addSink({
  sink_configuration: { destination, method: 'post', batch_events: true },
  description: process.env.SINK_DESCRIPTION ?? '',
})
await createSinkCommand(createTerminal(), api.connect).parseAsync(process.argv.slice(2), { from: 'user' })
