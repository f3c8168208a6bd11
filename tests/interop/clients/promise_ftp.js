// Sends a file with promise-ftp, lists it and fetches it again.
// Arguments: port explicit|implicit CA user password SOURCE REMOTE BACK
"use strict"

const fs = require("fs")
const { pipeline } = require("stream/promises")
const PromiseFtp = require("promise-ftp")

async function main([port, mode, ca, user, password, source, remote, back]) {
    const client = new PromiseFtp()
    await client.connect({
        host: "localhost", port: Number(port), user, password, autoReconnect: false,
        secure: mode === "implicit" ? "implicit" : true,
        secureOptions: { ca: fs.readFileSync(ca) },
    })
    await client.put(source, remote)
    const listed = await client.list()
    if (!listed.some((entry) => entry.name === remote && Number(entry.size) === fs.statSync(source).size))
        throw new Error("not listed")
    await pipeline(await client.get(remote), fs.createWriteStream(back))
    await client.end()
}

main(process.argv.slice(2)).catch((error) => {
    console.error(error)
    process.exit(1)
})
