"""Reports checks in the Test Anything Protocol."""


def report(results):
    """Prints what comes of the checks: pairs of a name and a list of what is wrong, in words.
    Returns the exit status."""
    results = list(results)
    print(f"1..{len(results)}")
    for number, (name, wrong) in enumerate(results, 1):
        name = name.replace("#", "")  # begins a directive
        print(f"{'not ok' if wrong else 'ok'} {number} - {name}")
        for line in "\n".join(wrong).splitlines():
            print(f"# {line}")
    return 1 if any(wrong for _, wrong in results) else 0
