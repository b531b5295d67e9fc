// Before the first paint, so that nothing flickers: the theme and the language that were chosen here last.
// A plain script, because modules run after the page is laid out.
(() => {
  let kept = {};
  try {
    kept = { theme: localStorage.getItem("theme"), language: localStorage.getItem("language") };
  } catch {
    // storage is off: the system's choice holds
  }
  const root = document.documentElement;
  if (kept.theme === "light" || kept.theme === "dark") root.dataset.theme = kept.theme;
  const language = kept.language ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");
  root.lang = language === "zh" ? "zh-CN" : "en";
})();
