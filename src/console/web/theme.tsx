/** Dark or light: as the system says, until somebody chooses. */
import { useEffect, useState } from 'preact/hooks';

type Theme = 'auto' | 'dark' | 'light';
const NEXT: Readonly<Record<Theme, Theme>> = { auto: 'dark', dark: 'light', light: 'auto' };
const KEY = 'covey-theme';

const LIGHT = matchMedia('(prefers-color-scheme: light)');

const stored = (): Theme => {
  const value = localStorage.getItem(KEY);
  return value === 'dark' || value === 'light' ? value : 'auto';
};

export function ThemeButton() {
  const [theme, setTheme] = useState<Theme>(stored);
  useEffect(() => {
    localStorage.setItem(KEY, theme);
    // The style sheet knows dark and light only, so that each palette stands in it once.
    const show = () => {
      document.documentElement.dataset.theme = theme === 'auto' ? (LIGHT.matches ? 'light' : 'dark') : theme;
    };
    show();
    LIGHT.addEventListener('change', show);
    return () => LIGHT.removeEventListener('change', show);
  }, [theme]);
  return (
    <button type="button" onClick={() => setTheme(NEXT[theme])} title="Dark, light, or as the system says">
      Theme: {theme}
    </button>
  );
}
