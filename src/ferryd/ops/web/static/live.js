// Puts what is new in the place of what is old on the overview. The page is whole without it.
"use strict";

const PERIOD_MS = 2000;

// Somebody is about to press a button there.
function isInUse(live) {
    return live.contains(document.activeElement) || live.querySelector("details[open]") !== null;
}

// As a document, not as text: scripts in one do not run, and nothing is parsed in this page.
function ask(address, done) {
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.responseType = "document";
    request.timeout = 10000;
    request.onloadend = () => done(request.status, request.response);
    request.send();
}

function refresh() {
    const live = document.getElementById("live");
    const again = () => setTimeout(refresh, PERIOD_MS);
    if (document.hidden || isInUse(live)) {
        again();
        return;
    }
    ask("/live", (status, answer) => {
        if (status === 401) {
            location.assign("/login");
            return;
        }
        const fresh = status === 200 && answer ? answer.getElementById("live") : null;
        if (fresh && !isInUse(live))
            live.replaceWith(document.adoptNode(fresh));
        else if (!fresh)
            live.classList.add("stale");
        again();
    });
}

if (document.getElementById("live"))
    setTimeout(refresh, PERIOD_MS);
