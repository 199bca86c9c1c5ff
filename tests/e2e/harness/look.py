"""look.py URL REPOSITORY PASSWORD PICTURE: opens the API page in a browser and tries a call on it; run by the Python of
harness/pypi.py. Prints what was seen as JSON."""

import json
import sys

from playwright.sync_api import sync_playwright

BROWSER = "/usr/bin/chromium"
WAIT_MS = 30_000


def try_call(page, operation, values):
    """Fills the form of an operation in, sends it, and returns the status that the page shows."""
    block = page.locator(".opblock").filter(has=page.locator(f"[data-path='{operation}']")).first
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    for name, value in values.items():
        block.locator(f"tr[data-param-name={name}] input").fill(value)
    block.get_by_role("button", name="Execute").click()
    return block.locator(".live-responses-table .response-col_status").last.inner_text().split()[0]


def main():
    url, repository, password, picture = sys.argv[1:]
    seen = {"asked": [], "said": [], "failed": []}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(WAIT_MS)
        page.on("console", lambda message: seen["said"].append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: seen["failed"].append(str(error)))
        page.on("requestfailed", lambda request: seen["failed"].append(request.url))
        page.on("request", lambda request: seen["asked"].append(request.url))
        page.goto(url + "/api/")
        page.wait_for_selector(".opblock-tag")
        seen["title"] = page.title()
        seen["tags"] = page.locator(".opblock-tag").evaluate_all("all => all.map(one => one.dataset.tag)")

        page.locator(".auth-wrapper .authorize").first.click()
        basic = page.locator(".auth-container").filter(has=page.locator("#auth_username, [name=username]")).first
        basic.locator("input[name=username]").fill("admin")
        basic.locator("input[name=password]").fill(password)
        basic.locator("button.authorize").click()
        page.locator(".modal-ux .btn-done").first.click()
        page.locator(".opblock-tag[data-tag=tag]").click()
        seen["status"] = try_call(page, "/v2/{name}/tags/list", {"name": repository})
        page.screenshot(path=picture)
        seen["said"] = [line for line in seen["said"] if line.startswith(("error:", "warning:"))]
        browser.close()
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
