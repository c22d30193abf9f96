/** An answer of another object, waited for no longer than so: an overloaded one may neither answer nor fail. */
export async function within<Answer>(ms: number, asked: Promise<Answer>): Promise<Answer> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([asked, late])
  } finally {
    if (timer !== undefined) clearTimeout(timer)
  }
}
