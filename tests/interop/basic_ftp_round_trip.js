// Sends a tree with basic-ftp, lists it and fetches it again.
// Arguments: port explicit|implicit CA user password SOURCE REMOTE BACK
"use strict"

const fs = require("fs")
const { Client } = require("basic-ftp")

async function main([port, mode, ca, user, password, source, remote, back]) {
    const client = new Client(20000)
    try {
        await client.access({
            host: "localhost", port: Number(port), user, password,
            secure: mode === "implicit" ? "implicit" : true,
            secureOptions: { ca: fs.readFileSync(ca) },
        })
        await client.uploadFromDir(source, remote)
        const listed = await client.list(remote)
        if (listed.length !== fs.readdirSync(source).length)
            throw new Error(`listed ${listed.length} entries`)
        await client.downloadToDir(back, remote)
    } finally {
        client.close()
    }
}

main(process.argv.slice(2)).catch((error) => {
    console.error(error)
    process.exit(1)
})
