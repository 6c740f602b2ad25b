#!/usr/bin/env python3
"""Opens a page of `swipegym report` in headless Chromium as people do, on a desk and on a telephone, and checks what no
test of its bytes can: nothing on the console, every chart with marks in it, no sideways scrolling, sessions that turn.

    scripts/check_report.py out/quickstart/report.html [--pictures DIR]

Needs Debian's chromium and chromium-driver (apt) and selenium (PyPI). Not a part of the gate.
"""

import argparse
import sys
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

WIDTHS = (1400, 400)
PATIENCE_S = 120
MARKS = """
return [...document.querySelectorAll("figure")].map((figure) => ({
  key: figure.querySelector("script[data-chart]").dataset.chart,
  marks: [...figure.querySelectorAll("svg g.mark-rect, svg g.mark-rule, svg g.mark-symbol, svg g.mark-line")]
    .filter((group) => group.closest(".role-legend, .role-axis, .role-axis-grid") === null)
    .reduce((sum, group) => sum + [...group.querySelectorAll("path, line")].filter((mark) => {
      const box = mark.getBBox(); return box.width + box.height > 0; }).length, 0),
  wide: figure.querySelector("svg") ?
    figure.querySelector("svg").getBoundingClientRect().width - figure.clientWidth : 0,
}));
"""


def open_browser(dark):
    options = Options()
    options.binary_location = "/usr/bin/chromium"
    for word in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--force-device-scale-factor=1",
    ):
        options.add_argument(word)
    if dark:
        options.add_argument("--force-dark-mode")
        options.add_argument("--blink-settings=preferredColorScheme=0")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))


def set_width(browser, width, height=900):
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
    )


def look(browser, page, width, picture):
    set_width(browser, width)
    browser.get(page.resolve().as_uri())
    end = time.monotonic() + PATIENCE_S
    while (state := browser.execute_script("return document.documentElement.dataset.charts")) not in (
        "drawn",
        "failed",
    ):
        if time.monotonic() > end:
            return [f"charts are not drawn after {PATIENCE_S} s"]
        time.sleep(0.2)
    wrong = [] if state == "drawn" else ["a chart could not be drawn"]
    wrong += [f"console: {line['message']}" for line in browser.get_log("browser")]
    charts = browser.execute_script(MARKS)
    wrong += [f"chart {chart['key']}: no marks" for chart in charts if chart["marks"] == 0]
    wrong += [f"chart {chart['key']}: {chart['wide']:.0f} pixels too wide" for chart in charts if chart["wide"] > 1]
    over = browser.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if over > 0:
        wrong.append(f"the page scrolls sideways by {over} pixels")
    wrong += turn_sessions(browser)
    if picture:
        height = browser.execute_script("return document.documentElement.scrollHeight")
        set_width(browser, width, height)
        time.sleep(1)
        browser.get_screenshot_as_file(str(picture))
    print(f"{width} pixels: {len(charts)} charts, {sum(chart['marks'] for chart in charts)} marks, {len(wrong)} faults")
    return [f"{width} pixels: {line}" for line in wrong]


def turn_sessions(browser):
    wrong = []
    for box in browser.find_elements(By.CSS_SELECTOR, ".sessions"):
        seen = [article for article in box.find_elements(By.TAG_NAME, "article") if article.is_displayed()]
        if len(seen) != 1:
            wrong.append(f"{len(seen)} sessions stand side by side, expected one")
        further = box.find_elements(By.CSS_SELECTOR, "button")[1]
        if further.is_enabled() and seen:
            before = box.find_element(By.CSS_SELECTOR, ".place").text
            browser.execute_script("arguments[0].click()", further)
            if box.find_element(By.CSS_SELECTOR, ".place").text == before:
                wrong.append("the next user does not come")
            browser.execute_script("arguments[0].click()", box.find_elements(By.CSS_SELECTOR, "button")[0])
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("--pictures", type=Path, help="a folder for a picture of the whole page at each width")
    parser.add_argument("--dark", action="store_true", help="as people with a dark screen see it")
    arguments = parser.parse_args()
    if arguments.pictures:
        arguments.pictures.mkdir(parents=True, exist_ok=True)
    browser = open_browser(arguments.dark)
    try:
        wrong = []
        for width in WIDTHS:
            picture = arguments.pictures / f"report-{width}.png" if arguments.pictures else None
            wrong += look(browser, arguments.page, width, picture)
    finally:
        browser.quit()
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
