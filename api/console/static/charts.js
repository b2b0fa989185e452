/* Draws what a page describes as JSON; colours, font and click-through are set here. */
"use strict";
(() => {
  const FONT = getComputedStyle(document.documentElement).getPropertyValue("--sans");
  const drawn = new Map();
  function themed(option) {
    const axis = { axisLine: { lineStyle: { color: "#8794a5" } }, axisLabel: { color: "#3c4756" }, splitLine: { lineStyle: { color: "#e3e8ee" } } };
    for (const name of ["xAxis", "yAxis"]) {
      if (option[name]) option[name] = [].concat(option[name]).map(one => ({ ...axis, ...one }));
    }
    return {
      animation: false,
      color: ["#1b4f8a", "#b24a00", "#2f7d4f", "#806000", "#6a4c93", "#0f7c8a"],
      textStyle: { fontFamily: FONT, color: "#1a2431" },
      grid: { left: 8, right: 16, top: 32, bottom: 8, containLabel: true },
      ...option,
      tooltip: { confine: true, ...(option.tooltip ?? {}), renderMode: "richText" },
    };
  }
  function draw(place) {
    if (drawn.has(place) || !window.echarts) return;
    const chart = echarts.init(place, null, { renderer: "canvas" });
    chart.setOption(themed(JSON.parse(document.getElementById(place.dataset.source).textContent)));
    chart.on("click", found => { if (found.data?.href) location.href = found.data.href; });
    drawn.set(place, chart);
    new ResizeObserver(() => chart.resize()).observe(place);
  }
  function drawAll() {
    for (const [place, chart] of drawn) if (!place.isConnected) { chart.dispose(); drawn.delete(place); }
    document.querySelectorAll("[data-chart]").forEach(draw);
  }
  document.addEventListener("arrived", drawAll);
  drawAll();
})();
