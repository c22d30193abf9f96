// (c) What a blog would show: Express 4, twilio.webhook() with the raw body, one track() an event. Nothing is stored.
import { Analytics } from '@segment/analytics-node'
import express from 'express'
import twilio from 'twilio'
import { toTrack } from './to-track.mjs'

const analytics = new Analytics({ writeKey: process.env.SEGMENT_WRITE_KEY, host: process.env.SEGMENT_HOST })
const app = express()
const keepRawBody = (request, _response, bytes) => {
  request.rawBody = bytes
}

app.post(
  '/webhooks/twilio',
  express.json({ limit: '1mb', verify: keepRawBody }),
  twilio.webhook({ protocol: 'https', host: process.env.PUBLIC_HOST }),
  (request, response) => {
    for (const event of request.body) analytics.track(toTrack(event))
    response.sendStatus(200)
  },
)

const server = app.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
