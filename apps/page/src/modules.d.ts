// esbuild gathers what the views import of these into page.css.
declare module "*.css";
