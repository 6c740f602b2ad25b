"use strict";
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const font = getComputedStyle(document.body).fontFamily;
  const look = () => ({
    background: null,
    font,
    padding: 2,
    view: { stroke: null },
    axis: {
      labelColor: colour("--dim"), titleColor: colour("--dim"), gridColor: colour("--line"), domainColor: colour("--line"), tickColor: colour("--line"),
      labelFontSize: 11, titleFontSize: 11, titleFontWeight: 500, titlePadding: 8, labelPadding: 4, labelOverlap: true,
    },
    axisY: { domain: false, ticks: false },
    legend: { labelColor: colour("--ink"), labelFontSize: 12, symbolSize: 80, offset: 4, padding: 0, rowPadding: 2, columnPadding: 14 },
  });
  const figures = [...document.querySelectorAll("figure")];
  const state = document.documentElement.dataset;

  async function draw() {
    state.charts = "drawing";
    let failed = 0;
    for (const figure of figures) {
      const place = figure.querySelector(".chart");
      try {
        const spec = JSON.parse(figure.querySelector("script[data-chart]").textContent);
        await vegaEmbed(place, spec, { actions: false, renderer: "svg", config: look(), tooltip: { theme: dark.matches ? "dark" : "light" } });
      } catch (error) {
        failed += 1;
        place.classList.add("failed");
        place.textContent = "This chart could not be drawn.";
        console.error(error);
      }
    }
    state.charts = failed ? "failed" : "drawn";
  }

  for (const box of document.querySelectorAll(".sessions")) {
    const articles = [...box.querySelectorAll("article")];
    const users = [...new Set(articles.map((one) => one.dataset.user))];
    const choice = box.querySelector("select");
    const buttons = [...box.querySelectorAll("button")];
    let at = 0;
    const show = () => {
      for (const one of articles) one.hidden = one.dataset.user !== users[at] || one.dataset.policy !== choice.value;
      box.querySelector(".place").textContent = `user ${at + 1} of ${users.length}`;
      buttons[0].disabled = at === 0;
      buttons[1].disabled = at + 1 === users.length;
    };
    for (const button of buttons) button.addEventListener("click", () => { at += Number(button.dataset.by); show(); });
    choice.addEventListener("change", show);
    box.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by && event.target !== choice && users[at + by]) { at += by; show(); }
    });
    show();
  }
  dark.addEventListener("change", draw);
  draw();
})();
