// (d) The blog with a queue: BullMQ keeps the events in Redis before the answer, and a worker in this process sends them.
// As strong as its documentation makes it: one addBulk a request, finished jobs removed, 100 jobs at a time.
import { Analytics } from '@segment/analytics-node'
import { Queue, Worker } from 'bullmq'
import express from 'express'
import IORedis from 'ioredis'
import twilio from 'twilio'
import { toTrack } from './to-track.mjs'

const connection = new IORedis({ port: Number(process.env.REDIS_PORT), maxRetriesPerRequest: null })
const queue = new Queue('events', { connection, defaultJobOptions: { removeOnComplete: true } })
const analytics = new Analytics({ writeKey: process.env.SEGMENT_WRITE_KEY, host: process.env.SEGMENT_HOST })
new Worker('events', async job => analytics.track(toTrack(job.data)), { connection, concurrency: 100 })

const app = express()
const keepRawBody = (request, _response, bytes) => {
  request.rawBody = bytes
}

app.post(
  '/webhooks/twilio',
  express.json({ limit: '1mb', verify: keepRawBody }),
  twilio.webhook({ protocol: 'https', host: process.env.PUBLIC_HOST }),
  async (request, response) => {
    await queue.addBulk(request.body.map(event => ({ name: event.type, data: event })))
    response.sendStatus(200)
  },
)

const server = app.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
