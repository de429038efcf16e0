#!/usr/bin/python3
"""Open the report in headless Chromium: is all drawn, does it sort, does nothing leave the page?"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.select import Select
    from selenium.webdriver.support.wait import WebDriverWait

    import sample
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

REPORT = pathlib.Path(__file__).resolve().parents[2] / "bench/report/make_report.py"
FLAGS = ("--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
         "--disable-background-networking --disable-component-update").split()
VIEWS = [(width, scheme) for width in (1200, 390) for scheme in ("light", "dark")]

# Of each canvas: its size and how many different colours are on it.
COLOURS = """
return [...document.querySelectorAll("canvas")].map(canvas => {
  const { width, height } = canvas;
  const pixels = new Uint32Array(
    canvas.getContext("2d").getImageData(0, 0, width, height).data.buffer);
  return { label: canvas.ariaLabel, width, height, colours: new Set(pixels).size };
});"""
COLUMN = """
return [...document.querySelectorAll("#cases tbody tr")].map(row => row.cells[arguments[0]])
  .filter(cell => cell && cell.tagName === "TD").map(cell => cell.textContent);"""


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="hakmem-report-")
        cls.addClassCleanup(cls.folder.cleanup)
        folder = pathlib.Path(cls.folder.name)
        cls.page = cls.page_of("all", sample.sample_rows())
        options = webdriver.ChromeOptions()
        for flag in [*FLAGS, f"--user-data-dir={folder / 'profile'}"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        cls.browser = webdriver.Chrome(service=Service(shutil.which("chromedriver")),
                                       options=options)
        cls.addClassCleanup(cls.browser.quit)

    @classmethod
    def page_of(cls, name, rows):
        """The report of the rows, as a file."""
        table, page = (pathlib.Path(cls.folder.name) / f"{name}.{kind}" for kind in ("csv", "html"))
        sample.write(table, rows)
        subprocess.run([sys.executable, REPORT, table, "-o", page], check=True,
                       stdout=subprocess.DEVNULL)
        return page

    def open(self, width=1200, scheme="light", page=None):
        command = self.browser.execute_cdp_cmd
        command("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": scheme}]})
        command("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600})
        self.browser.get((page or self.page).as_uri())

    def run_script(self, text, *arguments):
        return self.browser.execute_script(text, *arguments)

    def element(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def test_everything_is_drawn_in_every_view(self):
        papers = {}
        for width, scheme in VIEWS:
            with self.subTest(width=width, scheme=scheme):
                self.open(width, scheme)
                self.run_script("drawAll()")
                canvases = self.run_script(COLOURS)
                # overview 3, trade 1, cases 16, threads 4, latency 2, history 1
                self.assertEqual(len(canvases), 27)
                for canvas in canvases:
                    self.assertGreater(canvas["colours"], 20, canvas)
                    self.assertGreater(canvas["width"], 250, canvas)
                    self.assertLess(canvas["width"], width, canvas)
                self.assertLessEqual(
                    self.run_script("return document.documentElement.scrollWidth"), width)
                papers[scheme] = self.element("body").value_of_css_property("background-color")
        self.assertEqual(self.browser.get_log("browser"), [])
        self.assertNotEqual(papers["light"], papers["dark"])

    def test_charts_are_drawn_when_they_come_into_view(self):
        self.open()
        first, last = "[...figures.values()][0].chart", "[...figures.values()].at(-1).chart"
        self.assertEqual(self.run_script(f"return [!!{first}, !!{last}]"), [True, False])
        self.run_script("document.getElementById('history').scrollIntoView()")
        wait = WebDriverWait(self.browser, 10)
        wait.until(lambda _: self.run_script(f"return !!{last}"))

    def test_a_click_or_enter_on_a_heading_sorts(self):
        self.open()
        before = self.run_script(COLUMN, 2)
        head = "#cases thead th:nth-child(3)"
        self.element(head + " button").click()
        numbers = [float(text.rstrip("×~ ")) for text in self.run_script(COLUMN, 2)]
        self.assertEqual(numbers, sorted(numbers))
        self.assertNotEqual(self.run_script(COLUMN, 2), before)
        self.assertEqual(self.element(head).get_attribute("aria-sort"), "ascending")
        self.browser.switch_to.active_element.send_keys(Keys.ENTER)
        self.assertEqual(self.element(head).get_attribute("aria-sort"), "descending")
        numbers = [float(text.rstrip("×~ ")) for text in self.run_script(COLUMN, 2)]
        self.assertEqual(numbers, sorted(numbers, reverse=True))

    def test_rows_without_a_figure_stay_at_the_end(self):
        self.open()
        head = self.element("#cases thead th:nth-child(7) button")
        self.assertEqual(head.text, "tcmalloc")
        for _ in range(2):
            self.element("#cases thead th:nth-child(7) button").click()
            self.assertEqual(self.run_script(COLUMN, 6)[-1], "crash")

    def test_the_table_shows_other_figures_and_filters(self):
        self.open()
        Select(self.element("#metric")).select_by_visible_text("peak RSS, MiB")
        self.element("#filter").send_keys("sqlite")
        self.assertEqual(len(self.run_script(COLUMN, 1)), 1)
        self.assertAlmostEqual(float(self.run_script(COLUMN, 1)[0]), 31000 / 1024, delta=1)

    def test_hiding_an_allocator_hides_it_everywhere(self):
        self.open()
        self.element("#legend button:nth-child(2)").click()
        self.assertNotIn("glibc", self.element("#cases thead").text)
        self.run_script("drawAll()")
        self.assertEqual(self.run_script(
            "return [...figures.values()].filter(figure => "
            "figure.chart.data.labels.includes('glibc')).length"), 0)

    def test_the_theme_button_and_the_choice_of_builds(self):
        self.open(scheme="dark")
        dark = self.element("body").value_of_css_property("background-color")
        self.element("#theme").click()
        self.assertNotEqual(self.element("body").value_of_css_property("background-color"), dark)
        self.assertIn("d00dfee", self.element("#facts").text)
        Select(self.element("#build")).select_by_index(2)
        self.assertIn("6922855", self.element("#facts").text)

    def test_failures_are_listed_as_text(self):
        self.open()
        failures = self.element("#failure-table").text
        self.assertIn("crash 5 of 5 signal 11 </script><b>", failures)
        self.assertIn("timeout 2 of 5", failures)

    def test_pages_with_little_on_them(self):
        rows = list(sample.sample_rows(sample.COMMITS[:1]))
        choices = {
            "alone": [row for row in rows if row["allocator"] == "hakmem"],
            "no-memory": [row | {"peak_rss_kib": ""} for row in rows],
            "failed": [row | {"status": "crash", "value": ""} for row in rows],
            "one-run": rows[:1],
        }
        for name, chosen in choices.items():
            with self.subTest(name):
                self.browser.get_log("browser")
                self.open(390, page=self.page_of(name, chosen))
                self.run_script("drawAll()")
                self.assertEqual(self.browser.get_log("browser"), [])
                self.assertGreater(len(self.run_script(COLUMN, 1)), 0)

    def test_nothing_leaves_the_page(self):
        self.browser.get_log("performance")
        self.open()
        self.run_script("drawAll()")
        events = [json.loads(entry["message"])["message"]
                  for entry in self.browser.get_log("performance")]
        asked = [event["params"]["request"]["url"] for event in events
                 if event["method"] == "Network.requestWillBeSent"]
        self.assertIn(self.page.as_uri(), asked)
        self.assertEqual([url for url in asked if not url.startswith(("file:", "data:"))], [])


if __name__ == "__main__":
    for needed in ("chromium", "chromedriver", "/usr/share/javascript/chart.js/chart.min.js"):
        if not shutil.which(needed) and not pathlib.Path(needed).exists():
            print(f"skipped: there is no {needed}")
            sys.exit(77)
    unittest.main()
