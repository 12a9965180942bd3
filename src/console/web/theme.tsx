/** Dark or light: as the system says, until somebody chooses. */
import { useEffect, useState } from 'preact/hooks';

type Theme = 'auto' | 'dark' | 'light';
const NEXT: Readonly<Record<Theme, Theme>> = { auto: 'dark', dark: 'light', light: 'auto' };
const KEY = 'covey-theme';

const stored = (): Theme => {
  const value = localStorage.getItem(KEY);
  return value === 'dark' || value === 'light' ? value : 'auto';
};

export function ThemeButton() {
  const [theme, setTheme] = useState<Theme>(stored);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    localStorage.setItem(KEY, theme);
  }, [theme]);
  return (
    <button type="button" onClick={() => setTheme(NEXT[theme])} title="Dark, light, or as the system says">
      Theme: {theme}
    </button>
  );
}
